"""What `--to` may say, and what it makes of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from astalty_cli.base.errors import UsageError
from astalty_cli.config.profiles import ConfigFile
from astalty_cli.destinations.kinds import FORMS, Environment, parse
from tests.destinations.canary import SECRET


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.setenv("HOME", "/home/ana")
    monkeypatch.chdir(tmp_path)
    return Environment({"PATH": "/bin"}, ConfigFile(tmp_path), "https://a.example")


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("file:/srv/key", "file:/srv/key"),
        ("file:key:2#x", "file:{here}/key:2#x"),
        ("file:~/key", "file:/home/ana/key"),
        ("dotenv:.env#KEY", "dotenv:{here}/.env#KEY"),
        ("dotenv:a#b/.env#_K1", "dotenv:{here}/a#b/.env#_K1"),
        ("keyring:work", "keyring:work"),
        ("github:ana/site.io#KEY", "github:ana/site.io#KEY"),
        ("exec:vault kv put 'a b' key=-", "exec:vault kv put 'a b' key=-"),
        ("exec:./put it", "exec:{here}/put it"),
        ("exec:~/bin/put", "exec:/home/ana/bin/put"),
    ],
)
def test_a_place_and_its_name_in_the_journal(
    around: Environment, tmp_path: Path, text: str, spec: str
) -> None:
    made = parse(text, around, force=False)
    assert made.spec == spec.format(here=tmp_path)
    assert parse(made.spec, around, force=False).spec == made.spec


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *(
            (text, "is not a destination")
            for text in ("", "file", "ftp:x", "file:", "exec: ", "/etc/key", ":x", "clipboard")
        ),
        *((f"dotenv:{rest}", "needs a NAME") for rest in (".env", "#KEY", ".env#", ".env#1K", ".env#A-B")),
        *((f"github:{rest}#KEY", "OWNER/REPO") for rest in ("ana", "ana/", "-x/y", "a/b/c", "a/..", "a /b")),
        ("github:ana/site#GITHUB_KEY", "for itself"),
        ("github:ana/site#KÉY", "needs a NAME"),
        ("exec:vault 'put", "do not close"),
        ("exec:''", "no program"),
        ("file:a\nb", "is not a destination"),
        ("file:\udcff", "is not a destination"),
        ("file:~nobody-here/x", "home folder"),
    ],
)
def test_what_names_no_place_is_refused(around: Environment, text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        parse(text, around, force=False)
    assert repr("exec:…" if text.startswith("exec:") else text) in refused.value.message
    assert refused.value.hint == f"Use one of: {FORMS}."


def test_a_bare_env_file_is_told_its_form(around: Environment) -> None:
    with pytest.raises(UsageError) as refused:
        parse("config/.env", around, force=False)
    assert refused.value.message == "'config/.env' is not a destination."
    assert refused.value.hint == f"Did you mean dotenv:config/.env#NAME? Use one of: {FORMS}."


@pytest.mark.parametrize("text", ["{}", "file:{}", "dotenv:.env#{}", "exec:put {}", "x\n{}"])
def test_a_secret_in_the_name_of_a_place_is_not_repeated(around: Environment, text: str) -> None:
    with pytest.raises(UsageError, match="secret") as refused:
        parse(text.format(SECRET.reveal()), around, force=False)
    assert "canary" not in refused.value.message + refused.value.hint


def test_a_key_of_the_sandbox_is_of_no_use_in_the_keyring(around: Environment) -> None:
    sandbox = Environment(around.environ, around.config_file, None)
    with pytest.raises(UsageError, match="sandbox"):
        parse("keyring:work", sandbox, force=False)


def test_force_reaches_the_place(around: Environment) -> None:
    assert parse("file:key", around, force=True) != parse("file:key", around, force=False)


def test_the_environment_is_in_no_repr(around: Environment) -> None:
    assert "PATH" not in repr(around) + repr(parse("exec:put", around, force=False))


def test_reading_what_to_takes_loads_nothing_heavy() -> None:
    code = "import sys; from astalty_cli.destinations import kinds; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(loaded.stdout.split()) & {"httpx", "msgspec", "keyring", "subprocess", "tempfile"}
