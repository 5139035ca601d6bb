"""What users install: the wheel and the sdist, built once, looked into, and installed as people do it."""

import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

from astalty_cli import __version__

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
INFO = f"astalty_cli-{__version__}.dist-info"


@dataclass(frozen=True)
class Built:
    wheel: Path
    sdist: Path


def build(source: Path, target: Path, *flags: str) -> None:
    run(TOOLS / "hatchling", "build", "-d", target, *flags, cwd=source)


def run(
    *words: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    target = tmp_path_factory.mktemp("dist")
    build(ROOT, target)
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="session")
def metadata(built: Built) -> Message:
    with zipfile.ZipFile(built.wheel) as wheel:
        return message_from_string(wheel.read(f"{INFO}/METADATA").decode())


# -- what is in them -----------------------------------------------------------------------------


def test_the_wheel_holds_the_package_and_nothing_else(built: Built) -> None:
    package = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "astalty_cli").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    about = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    with zipfile.ZipFile(built.wheel) as wheel:
        assert set(wheel.namelist()) == package | {f"{INFO}/{name}" for name in about}
    assert {Path(name).suffix for name in package} - {".py"} == {
        ".typed",
        *(".html", ".css", ".js"),
        *(".bash", ".zsh", ".fish"),
    }


def test_the_sdist_holds_what_the_tests_need_and_no_caches(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = [name.partition("/")[2] for name in sdist.getnames()]
    assert {"pyproject.toml", "constraints.txt", "README.md", "tests/support/shell.py", ".ci/run"} <= set(
        names
    )
    unwanted = re.compile(r"__pycache__|\.pyc$|\.venv|_cache/|\.db$")
    assert [name for name in names if unwanted.search(name)] == []


def test_the_sdist_builds_the_same_wheel(built: Built, tmp_path: Path) -> None:
    with tarfile.open(built.sdist) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    build(source, tmp_path / "again", "-t", "wheel")
    (again,) = (tmp_path / "again").glob("*.whl")
    assert again.read_bytes() == built.wheel.read_bytes()


def test_the_wheel_says_what_it_is(metadata: Message) -> None:
    assert metadata["Name"] == "astalty-cli"
    assert metadata["Version"] == __version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).strip() == (ROOT / "README.md").read_text("utf-8").strip()


def test_its_extras_are_those_of_the_project(metadata: Message) -> None:
    extras = PROJECT["optional-dependencies"]
    assert set(metadata.get_all("Provides-Extra", [])) == set(extras)
    wanted = metadata.get_all("Requires-Dist", [])
    assert len(wanted) == len(PROJECT["dependencies"]) + sum(map(len, extras.values()))


# -- installed -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The packages of the project can be had."""
    folder = tmp_path_factory.mktemp("probe")
    probe = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), "waitress"]
    missing = subprocess.run(probe, capture_output=True, check=False).returncode
    if missing and "CI" not in os.environ:
        pytest.skip("the package registry cannot be reached from here")


@pytest.fixture
def installer(tmp_path: Path) -> dict[str, str]:
    """The environment of pipx and uv: this machine's, with folders of the test's own and pinned versions."""
    folders = ("PIPX_HOME", "PIPX_MAN_DIR", "UV_TOOL_DIR")
    programs = dict.fromkeys(("PIPX_BIN_DIR", "UV_TOOL_BIN_DIR"), str(tmp_path / "bin"))
    pinned = dict.fromkeys(("PIP_CONSTRAINT", "UV_CONSTRAINT"), str(ROOT / "constraints.txt"))
    trusted = {"UV_SYSTEM_CERTS": "true"}  # as pip does; uv alone has certificates of its own
    return {**os.environ, **{name: str(tmp_path / name) for name in folders}, **programs, **pinned, **trusted}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has just installed it."""
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("install", "helps"),
    [
        ("pipx install", "pipx inject astalty-cli falcon waitress"),
        ("uv tool install", "uv pip install --python {python} falcon waitress"),
    ],
)
def test_it_runs_where_people_install_it_and_its_advice_helps(
    built: Built, installer: dict[str, str], home: dict[str, str], install: str, helps: str
) -> None:
    tool, *words = install.split()
    run(TOOLS / tool, *words, "--python", sys.executable, built.wheel, env=installer)
    astalty = Path(installer["PIPX_BIN_DIR"]) / "astalty"
    assert run(astalty, "--version", env=home).stdout == f"astalty {__version__}\n"

    helps = helps.format(python=astalty.read_text().partition("\n")[0].removeprefix("#!"))
    keys = [str(astalty), "keys", "list", "-p", "sandbox", "--json"]
    keyless = [str(astalty), "endpoints", "list", "-p", "sandbox", "--json"]
    for command in (keys, keyless):
        refused = subprocess.run(command, env=home, capture_output=True, check=False)
        assert refused.returncode == 2
        assert json.loads(refused.stderr)["error"]["hint"] == f"Install it: {helps}"

    tool, *words = shlex.split(helps)
    run(TOOLS / tool, *words, env=installer)
    assert json.loads(run(*keys, env=home).stdout)
    assert "Wattle & Wren" in run(astalty, "sandbox", "info", env=home).stdout
