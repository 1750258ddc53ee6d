#!/usr/bin/env python3
"""The shell parts of an example under docs/ci/, as its CI system would run them.

    ci_steps.py lint FILE           complains about what the system would not take
    ci_steps.py show FILE [NAME]    prints the script: of the step (GitHub), job (GitLab), phase (CodeBuild) or stage (Jenkins);
                                    without NAME all of them, one after the other
"""
import re
import sys
import textwrap

import yaml


def fail(text):
    sys.exit(f"{sys.argv[2]}: {text}")


def expect(value, kind, what):
    if not isinstance(value, kind):
        fail(f"{what} is not a {kind.__name__}: {value!r}")
    return value


def keys(mapping, allowed, what):
    unknown = set(expect(mapping, dict, what)) - set(allowed)
    if unknown:
        fail(f"{what} has unknown keys: {sorted(map(str, unknown))}")


def github(text):
    """Workflow syntax for GitHub Actions; `on` is a boolean to YAML 1.1."""
    flow = yaml.safe_load(text)
    keys(flow, ["name", True, "permissions", "env", "defaults", "jobs"], "the workflow")
    steps = []
    for name, job in expect(flow["jobs"], dict, "jobs").items():
        keys(job, ["runs-on", "container", "defaults", "env", "steps", "if", "needs"], f"job {name}")
        for step in expect(job["steps"], list, "steps"):
            keys(step, ["name", "uses", "with", "run", "if", "env"], "a step")
            if ("uses" in step) == ("run" in step):
                fail(f"a step has either uses or run: {step}")
            if "run" in step:
                if "${{" in step["run"]:
                    fail("an expression in a script is an injection: hand it over in env")
                steps.append((step["name"], step["run"]))
            elif not re.fullmatch(r"[\w.-]+/[\w.-]+@v\d+", step["uses"]):
                fail(f"uses: {step['uses']}")
    return steps


def gitlab(text):
    """.gitlab-ci.yml keyword reference."""
    config = yaml.safe_load(text)
    stages = expect(config["stages"], list, "stages")
    steps = []
    for name, job in config.items():
        if name in ("stages", "default", "variables"):
            continue
        keys(job, ["stage", "script", "cache", "artifacts", "rules", "needs", "variables", "image"], f"job {name}")
        if job["stage"] not in stages:
            fail(f"job {name} is in no stage")
        lines = [expect(line, str, "a line of a script") for line in expect(job["script"], list, "script")]
        steps.append((name, "\n".join(lines)))
    return steps


def codebuild(text):
    """Build specification reference for CodeBuild."""
    spec = yaml.safe_load(text)
    keys(spec, ["version", "env", "phases", "artifacts", "cache", "reports"], "the buildspec")
    if spec["version"] != 0.2:
        fail("version is not 0.2")
    keys(spec["phases"], ["install", "pre_build", "build", "post_build"], "phases")
    steps = []
    for name, phase in spec["phases"].items():
        keys(phase, ["commands", "finally", "on-failure"], f"phase {name}")
        lines = [expect(line, str, "a command") for line in expect(phase["commands"], list, "commands")]
        steps.append((name, "\n".join(lines)))
    return steps


def jenkins(text):
    """Declarative pipeline: braces that match outside of strings, and stages with sh steps."""
    bare = re.sub(r"'''.*?'''|'[^'\n]*'|\"[^\"\n]*\"|//[^\n]*", "", text, flags=re.S)
    depth = 0
    for c in bare:
        depth += (c == "{") - (c == "}")
        if depth < 0:
            fail("a brace too many")
    if depth or not bare.lstrip().startswith("pipeline {"):
        fail("not one whole pipeline { ... }")
    for word in ("agent", "stages", "steps"):
        if not re.search(rf"\b{word}\s*{{", bare):
            fail(f"no {word} {{ }}")
    pattern = r"stage\('([^']*)'\)(?:(?!stage\().)*?sh '''(.*?)'''"
    steps = [(name, textwrap.dedent(body).strip()) for name, body in re.findall(pattern, text, flags=re.S)]
    if len(steps) != bare.count("stage("):
        fail("a stage without a script")
    return steps


def main():
    verb, path, *rest = sys.argv[1:]
    readers = {"github-actions.yml": github, "gitlab-ci.yml": gitlab, "buildspec.yml": codebuild, "Jenkinsfile": jenkins}
    steps = readers[path.rsplit("/", 1)[-1]](open(path).read())
    if not steps:
        fail("nothing to run")
    for name, script in steps:
        if verb == "show" and (not rest or name == rest[0]):
            print(script)


main()
