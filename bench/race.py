#!/usr/bin/env python3
"""Run commands in turn, N rounds, and print medians and ratios to the first one.

    race.py [-n N] [--prepare CMD] [--limit NAME:RATIO]... [--limit-ms NAME:MS] [--limit-rss NAME:MIB] NAME=COMMAND...

The ratio is first/NAME: a limit `umoci:0.25` reads "the first takes at most 0.25 of umoci's time". --prepare runs before
each command, unmeasured. The exit status is 0 whatever the ratios are: a shared machine proves nothing."""
import argparse
import os
import statistics
import sys
import time


def run(command):
    start = time.monotonic()
    pid = os.fork()
    if not pid:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execv("/bin/bash", ["bash", "-c", command])
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - start
    if status:
        sys.exit(f"race: status {status}: {command}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-n", type=int, default=9)
    p.add_argument("--prepare", default="")
    p.add_argument("--limit", action="append", default=[])
    p.add_argument("--limit-ms", action="append", default=[])
    p.add_argument("--limit-rss", action="append", default=[])
    p.add_argument("racers", nargs="+")
    o = p.parse_args()
    racers = [r.partition("=")[::2] for r in o.racers]
    seen = {name: [] for name, _ in racers}
    for turn in range(o.n + 1):
        for name, command in racers:
            if o.prepare:
                os.system(o.prepare)
            result = run(command)
            if turn:
                seen[name].append(result)
    median = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in seen.items()}
    first = racers[0][0]
    limits = dict(limit.rsplit(":", 1) for limit in o.limit)
    print(f"{'what':34} {'wall ms':>9} {'spread':>17} {'CPU ms':>8} {'RSS MiB':>8}  {first}/it")
    for name, rows in seen.items():
        wall, cpu, rss = median[name]
        low, high = min(r[0] for r in rows) * 1000, max(r[0] for r in rows) * 1000
        ratio = median[first][0] / wall
        verdict = ""
        if name in limits:
            verdict = f" (target <= {limits[name]}: {'met' if ratio <= float(limits[name]) else 'MISSED'})"
        print(f"{name:34} {wall * 1000:9.1f} {low:8.1f}-{high:8.1f} {cpu * 1000:8.1f} {rss:8.1f}  "
              f"{'' if name == first else f'{ratio:.3f}'}{verdict}")
    for kind, column, factor, unit in (("limit_ms", 0, 1000, "ms"), ("limit_rss", 2, 1, "MiB")):
        for limit in getattr(o, kind):
            name, most = limit.rsplit(":", 1)
            value = median[name][column] * factor
            print(f"{name}: {value:.1f} {unit} (target <= {most}: {'met' if value <= float(most) else 'MISSED'})")


if __name__ == "__main__":
    main()
