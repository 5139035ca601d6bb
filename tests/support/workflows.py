"""Runs the scripts of a workflow file as a runner would: `python -m tests.support.workflows FILE`.

Of GitHub Actions the `run:` steps of each job, in order, under `bash -e`, with its `env:`, `if:` and
secrets; of GitLab CI the scripts of each job. Actions (`uses:`) are not run, but a file that is uploaded has
to be there.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
GITHUB = {"CI": "true", "GITHUB_ACTIONS": "true"}
GITLAB = {"CI": "true", "GITLAB_CI": "true"}
_GITLAB_WORDS = {"stages", "default", "variables", "workflow", "include", "image"}


def run(text: str, environ: Mapping[str, str], folder: Path) -> int:
    """Run every job in this folder; return the worst exit code. Secrets are variables of that name."""
    workflow: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # `on` is a word there, and no truth
    if "jobs" in workflow:
        ended = [_github(job, workflow, environ, folder) for job in workflow["jobs"].values()]
    else:
        jobs = [
            job for name, job in workflow.items() if name not in _GITLAB_WORDS and not name.startswith(".")
        ]
        ended = [_gitlab(job, workflow, environ, folder) for job in jobs]
    assert ended, "a workflow without a job"
    return max(ended)


def _github(job: dict[str, Any], workflow: dict[str, Any], environ: Mapping[str, str], folder: Path) -> int:
    known = {
        "github.repository": "wattle/rostering",
        "github.run_id": "1047",
        "runner.temp": str(folder),
        **{f"secrets.{name}": value for name, value in environ.items()},
    }
    code = 0
    for step in job["steps"]:
        if not _wanted(step.get("if", "success()"), failed=bool(code)):
            continue
        env = {
            name: _filled(value, known)
            for each in (workflow, job, step)
            for name, value in each.get("env", {}).items()
        }
        if "run" in step:
            ended = _bash(_filled(step["run"], known), {**_runner(environ), **GITHUB, **env}, folder, "-e")
            code = code or ended
        elif "upload-artifact" in step["uses"]:
            assert (folder / _filled(step["with"]["path"], known)).exists(), step
    return code


def _gitlab(job: dict[str, Any], workflow: dict[str, Any], environ: Mapping[str, str], folder: Path) -> int:
    variables = {**workflow.get("variables", {}), **job.get("variables", {})}
    env = {**environ, **GITLAB, "CI_JOB_ID": "1047", "CI_PROJECT_DIR": str(folder), **variables}
    script = "\n".join([*workflow.get("default", {}).get("before_script", []), *job["script"]])
    code = _bash(script, env, folder, "-eo", "pipefail")
    _bash("\n".join(job.get("after_script", [])), env, folder, "-eo", "pipefail")
    if code == 0:
        for path in job.get("artifacts", {}).get("paths", []):
            assert (folder / path).exists(), path
    return 0 if str(code) in job.get("allow_failure", {}).get("exit_codes", []) else code


def _runner(environ: Mapping[str, str]) -> dict[str, str]:
    """A job has no secret but those that its `env:` names."""
    return {name: value for name, value in environ.items() if "KEY" not in name and "TOKEN" not in name}


def _wanted(condition: str, *, failed: bool) -> bool:
    return {"success()": not failed, "failure()": failed, "always()": True}[condition]


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: known[found[1]] if found[1] in known else _unset(found[1]), text)


def _unset(name: str) -> str:
    """A secret that a repository does not have is empty; anything else is a mistake in the file."""
    assert name.startswith("secrets."), name
    return ""


def _bash(script: str, environ: Mapping[str, str], folder: Path, *flags: str) -> int:
    return subprocess.run(
        ["bash", "--noprofile", "--norc", *flags, "-c", script],
        env=dict(environ),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    ).returncode


if __name__ == "__main__":
    file = Path(sys.argv[1])
    sys.exit(run(file.read_text("utf-8"), os.environ, Path.cwd()))
