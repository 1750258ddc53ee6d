#!/usr/bin/env python3
"""`cut.py SOCKET PORT-FILE CUT-FILE`: a TCP port, written to PORT-FILE, that stands for a unix socket until CUT-FILE appears."""
import os
import socket
import sys
import threading
import time

upstream, port, cut = sys.argv[1:]
ends = []


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(listener):
    while True:
        a, _ = listener.accept()
        b = socket.socket(socket.AF_UNIX)
        b.connect(upstream)
        ends.extend((a, b))
        for pair in ((a, b), (b, a)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener,), daemon=True).start()
with open(port + ".new", "w") as f:
    f.write(str(listener.getsockname()[1]))
os.rename(port + ".new", port)
for _ in range(6000):
    if os.path.exists(cut):
        break
    time.sleep(0.05)
listener.close()
for end in ends:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
