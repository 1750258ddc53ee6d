#!/usr/bin/env python3
"""A project whose every value is one that a shell, a Dockerfile or JSON could misread.
`values.py project FOLDER` writes it; `values.py compare CONFIG` compares an image's configuration (a file) with it;
`values.py answer` prints what its function answers."""
import json
import os
import shlex
import sys

HOSTILE = {
    "DOLLAR": "$HOME ${PATH:-x} $(id) `id` $$ \\$x",
    "QUOTES": "it's \"quoted\" '' \"\"",
    "BACKSLASH": "\\ \\\\ \\n \\t ends in \\",
    "HASH": "# no comment ; nor this # one",
    "DASH": "--privileged",
    "BLANKS": "  two at each end  ",
    "BRACES": "{{base|plain}} %s %n {a,b} * ? [x] ~ ! & | < >",
    "EQUALS": "A=B=C",
    "UTF8": "na\u00efve \u4f60\u597d \U0001f600",
    "TAB": "a\tb",
    "LONG": "x'y\"z$ " * 1400,
}
HANDLER = "-o$(id)'`\"\\#;{}*&|"
LABELS = {"com.example.plain": "plain", "com.example/odd": HOSTILE["DOLLAR"], "-dash": HOSTILE["QUOTES"],
          "dollar$name\"'\\": HOSTILE["BACKSLASH"], "Upper.Case": HOSTILE["HASH"]}
WORKDIR = "/var/task/a b$(id)'\"#\\x"
ODD_FOLDER = "/opt/it's $(id) \\ \"odd\" #1"


def ini(value):
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        value = value.replace(plain, escaped)
    return f'"{value}"'


def c_string(text):
    return '"' + "".join(c if c.isalnum() else "".join(f"\\{b:03o}" for b in c.encode()) for c in text) + '"'


def message():
    return json.dumps({name: value for name, value in HOSTILE.items() if name != "LONG"})


def write(folder, path, text, mode=0o644):
    path = os.path.join(folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def sources(folder):
    write(folder, "src/main.c", """#include "one.h"
#include "two.h"
#include <lambda_runtime.h>
#include <string.h>

static int answer(const struct lambda_event *event, struct lambda_response *response,
                  const struct lambda_context *context)
{
    (void)event;
    (void)context;
    if (ONE + two() != 3)
        return lambda_fail(response, "Test.Include", "a header is another one's");
    return lambda_write(response, MESSAGE, strlen(MESSAGE));
}

LAMBDA_HANDLERS({ HANDLER, answer })
""")
    write(folder, "src/-dash first.c", '#include "two.h"\nint two(void) { return 2; }\n')
    write(folder, "inc one/one.h", "#define ONE 1\n")
    write(folder, "-inc/$(two)/two.h", "int two(void);\n")


def files(folder):
    write(folder, "assets/plain.txt", "plain\n", 0o600)
    write(folder, "assets/deep/er/run.sh", "#!/bin/sh\n", 0o700)
    write(folder, "assets/deep/.hidden", "hidden\n")
    write(folder, "assets/a b$(id)'\"\\#.txt", "odd\n")
    write(folder, "assets/left-out.log", "ignored\n")
    write(folder, "one $file's.txt", "one\n", 0o755)
    os.makedirs(os.path.join(folder, "assets/empty"), mode=0o700, exist_ok=True)
    os.chmod(os.path.join(folder, "assets/deep"), 0o700)
    os.symlink("deep/.hidden", os.path.join(folder, "assets/link"))
    write(folder, ".dockerignore", "**/*.log\n")


def project(folder):
    defines = [f"HANDLER={c_string(HANDLER)}", f"MESSAGE={c_string(message())}"]
    rows = ["[project]", "name = values", "description = " + ini(HOSTILE["DOLLAR"]),
            "[function]", "handler = " + ini(HANDLER),
            "[image]", "base = al2023", "workdir = " + ini(WORKDIR),
            "[build]", "sources = src/*.c", "include = " + shlex.join(["inc one", "-inc/$(two)"]),
            "defines = " + shlex.join(defines),
            "[files]", "assets = /opt/", "assets/deep = " + ini(ODD_FOLDER),
            "one $file's.txt = " + ini(ODD_FOLDER + "/no \"mode\".txt"), "[env]"]
    rows += [f"{name} = {ini(value)}" for name, value in HOSTILE.items()] + ["[labels]"]
    rows += [f"{name} = {ini(value)}" for name, value in LABELS.items()]
    write(folder, "lbuild.ini", "\n".join(rows) + "\n")
    sources(folder)
    files(folder)


def compare(path):
    with open(path, encoding="utf-8") as f:
        config = json.load(f)["config"]
    env = dict(item.split("=", 1) for item in config["Env"])
    wrong = [f"env {name}: {env.get(name)!r:.300}" for name, value in HOSTILE.items() if env.get(name) != value]
    wrong += [f"label {name}: {config['Labels'].get(name)!r}" for name, value in LABELS.items()
              if config["Labels"].get(name) != value]
    if config["Labels"].get("org.opencontainers.image.description") != HOSTILE["DOLLAR"]:
        wrong.append(f"description: {config['Labels']}")
    for name, value in (("Cmd", [HANDLER]), ("WorkingDir", WORKDIR), ("Entrypoint", ["/lambda-entrypoint.sh"])):
        if config.get(name) != value:
            wrong.append(f"{name}: {config.get(name)!r}, not {value!r}")
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    if sys.argv[1] == "answer":
        print(message())
    else:
        {"project": project, "compare": compare}[sys.argv[1]](sys.argv[2])
