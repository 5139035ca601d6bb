"""What a library raises without saying so, for a file or an address that nobody expects: never exit 1."""

import os
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme

from tests.support.encrypted import http, speaking_tls
from tests.support.hostile import KEY, at, listing
from tests.support.shell import ASTALTY, Shell

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


HOSTS = [
    *("a:99999", "a:abc", "a:-1", "a:٣", "[::1", "[fe80::1%25eth0]", "[v1.a]", "[1.2.3.4]"),
    *(
        "a..b",
        "-a",
        "a-",
        "a*b",
        "a,b",
        "a;b",
        "127.1",
        "0x7f.1",
        "999.999.999.999",
        "a" * 64,
        "a." * 130 + "b",
    ),
    *("xn--a", "xn--", "xn--zz--zz", "xn--ls8h", "xn--" + "a" * 50),
]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_cannot_be_one_is_refused(shell: Shell, host: str) -> None:
    for line in ("keys list", "auth status", "history list --all", "api participants"):
        refused = shell(line, env=at(f"https://{host}", "x" * 20), code=2).err
        assert "the base URL" in refused
        assert f"https://{host[:40]}" in refused
    shell(f"endpoints list --source 'https://{host}' --timeout 1", code=2)


def certificates(authority: trustme.CA) -> dict[str, bytes]:
    pem, leaf = authority.cert_pem.bytes(), authority.issue_cert("127.0.0.1")
    return {
        "DER": ssl.PEM_cert_to_DER_cert(pem.decode()),
        "a key": leaf.private_key_pem.bytes(),
        "cut off": pem[:200],
        "no base64": b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "zeros": b"\0" * 1000,
        "nothing": b"",
    }


def test_a_ca_file_of_any_kind_is_used_or_named(shell: Shell, authority: trustme.CA, tmp_path: Path) -> None:
    env = at("https://127.0.0.1:1", "x" * 20)
    made = tmp_path / "ca"
    for content in certificates(authority).values():
        made.write_bytes(content)
        assert "there is no certificate in it" in shell(f"keys list --ca-file {made}", env=env, code=2).err
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "loop", Path("/dev/zero"), tmp_path / ("name" * 75)):
        told = shell(f"keys list --ca-file {path}", env=env, code=2).err
        assert "--ca-file" in told
        assert str(path) in told
    made.write_bytes("# Behörde\n".encode() + authority.cert_pem.bytes())
    with speaking_tls(authority.issue_cert("127.0.0.1"), http(listing(KEY))) as url:
        assert shell(f"keys list --ca-file {made}", env=at(url)).rows[0][1] == "ci"


@pytest.mark.parametrize("name", ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"])
def test_a_folder_that_no_json_can_name_is_refused(shell: Shell, name: str) -> None:
    # An environment of bytes, which the commands that tests keep warm can't be given.
    environ = {**os.environb, **{key.encode(): value.encode() for key, value in shell.environ.items()}}
    environ[name.encode()] = bytes(shell.home) + b"/\xff"
    told = subprocess.run(
        [ASTALTY, "sandbox", "info", "--json"], env=environ, capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert f"{name} is not valid UTF-8: " in told.stderr
