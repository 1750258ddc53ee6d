"""check.py MODULE.FUNCTION FOLDER...: fails if no folder has the handler. Run in the builder stage."""

import ast
import os
import sys


def fail(text):
    sys.exit("handler '%s': %s" % (sys.argv[1], text))


def names(body):
    """The names that the statements of a module may define."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0]
        for field in ("body", "orelse", "finalbody", "handlers"):
            inner = getattr(node, field, None)
            if isinstance(inner, list) and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield from names(inner)
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        for target in targets:
            for leaf in ast.walk(target) if target else []:
                if isinstance(leaf, ast.Name):
                    yield leaf.id


def main():
    module, dot, function = sys.argv[1].rpartition(".")
    if not (module and dot and function):
        fail("it must be MODULE.FUNCTION")
    relative = module.replace(".", "/")
    for folder in sys.argv[2:]:
        for path in (relative + ".py", relative + "/__init__.py"):
            full = os.path.join(folder, path)
            if not os.path.isfile(full):
                continue
            with open(full, "rb") as file:
                try:
                    tree = ast.parse(file.read(), path)
                except (SyntaxError, ValueError) as error:
                    fail("%s:%s: %s" % (path, getattr(error, "lineno", 1), getattr(error, "msg", error)))
            found = set(names(tree.body))
            if function not in found and "*" not in found:
                fail("'%s' has no function '%s'" % (path, function))
            return
    fail("there is no file '%s.py' in the project" % relative)


main()
