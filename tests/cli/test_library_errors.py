"""What a library raises without saying so, for a file or an address that nobody expects: never exit 1."""

from pathlib import Path

import pytest

from tests.support.shell import Shell

DEEP = 50_000
CONFIGS = {
    "deep lists": "a = " + "[" * DEEP,
    "deep tables": "a = " + "{a=" * DEEP,
    "a long number": "default_profile = " + "9" * 5000,
    "a long dotted key": "a" + ".a" * DEEP + " = 1",
    "a long file": "#" * 300_000,
}
ANY_CONFIG = [
    "auth status",
    "auth switch default",
    "auth logout",
    "keys list",
    "keys list -p sandbox",
]


def put(path: Path, content: str) -> Path:
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("content", CONFIGS.values(), ids=CONFIGS)
def test_a_config_file_that_cannot_be_read_is_named(shell: Shell, content: str) -> None:
    path = put(shell.config / "config.toml", content)
    for line in (
        *ANY_CONFIG,
        "auth login --storage file --with-token --base-url http://127.0.0.1:1",
        "doctor",
    ):
        told = shell(line, code=2, stdin="x" * 20)
        assert f"The config file {path} is not usable: " in told.err + told.out
    assert path.read_text() == content
    assert "sandbox" in shell("__complete keys list -p ''").out


@pytest.mark.parametrize("content", ["[" * DEEP, '{"a":' * DEEP, '{"secret":"\\ud800"}'])
def test_a_stored_key_that_cannot_be_read_is_named(shell: Shell, content: str) -> None:
    put(
        shell.config / "config.toml",
        '[profiles.default]\nbase_url = "http://127.0.0.1:1"\nstorage = "file"\n',
    )
    path = put(shell.config / "keys" / "default.json", content)
    for line in ("auth status", "keys list", "history list"):
        assert f"{path} does not hold a key." in shell(line, code=2).err
    shell("auth logout")
    assert not path.exists()
