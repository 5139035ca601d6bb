"""Changes of the config file: what was meant is what is written, or the file is left as it was."""

import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from astalty_cli.base.errors import LocalError
from astalty_cli.base.vocabulary import Storage
from astalty_cli.config.profiles import ConfigFile, Profile

WORK, OTHER = 'base_url = "https://work.example"', 'base_url = "https://other.example"'
FORMS = {
    "tables": f"[profiles.work]\n{WORK}\n[profiles.other]\n{OTHER}\n",
    "dotted keys at the top": f"profiles.work.{WORK}\nprofiles.other.{OTHER}\n",
    "dotted keys in a table": f"[profiles]\nwork.{WORK}\nother.{OTHER}\n",
    "tables out of order": f"[profiles.other]\n{OTHER}\n[more]\nx = 1\n[profiles.work]\n{WORK}\n",
    "a dotted table": f"[profiles.work]\n{WORK}\n[more]\na.b.c = 1\na.d = 2\n[profiles.other]\n{OTHER}\n",
    "inline tables": f"profiles = {{ work = {{ {WORK} }}, other = {{ {OTHER} }} }}\n",
    "an inline table in a table": f"[profiles]\nwork = {{ {WORK} }}\nother = {{ {OTHER} }}\n",
    "inline tables by dotted keys": f"profiles.work = {{ {WORK} }}\nprofiles.other = {{ {OTHER} }}\n",
    "quoted keys": f'["profiles"."work"]\n{WORK}\n[profiles.\'other\']\n{OTHER}\n',
    "quoted dotted keys": f'"profiles".\'work\'.{WORK}\nprofiles."other".{OTHER}\n',
    "a name with a dot": f'[profiles.work]\n{WORK}\n[profiles.other]\n{OTHER}\n[profiles."a.b"]\n{OTHER}\n',
    "arrays of tables": f"[[a]]\nx = 1\n[[a]]\n[profiles.work]\n{WORK}\n[profiles.other]\n{OTHER}\n[[b.x]]\n",
    "comments": f"# 1\n[profiles.work] # 2\n# 3\n{WORK} # 4\n\n[profiles.other]\n# 5\n{OTHER}\n# 6",
    "no newline at the end": f"[profiles.work]\n{WORK}\n[profiles.other]\n{OTHER}",
    "a table of tables": f"[profiles]\n[profiles.work]\n{WORK}\n[profiles.other]\n{OTHER}\n",
    "several lines": f'x = """\n[profiles.work]\n"""\n[profiles.work]\n{WORK}\n[profiles.other]\n{OTHER}\n',
    "the default first": f'default_profile = "other"\n[profiles.work]\n{WORK}\n[profiles.other]\n{OTHER}\n',
}
UNUSUAL = {"dotted keys at the top", "quoted dotted keys", "inline tables by dotted keys"}  # may be refused
NEW = Profile("https://new.example", Storage.FILE, "id", "last", "account")
CHANGES: dict[str, Callable[[ConfigFile], None]] = {
    "another profile": lambda file: file.save("new", NEW),
    "a profile that is there": lambda file: file.save("work", NEW),
    "a name with a dot": lambda file: file.save("a.b", NEW, as_default=True),
    "a default": lambda file: file.set_default("work"),
    "a profile less": lambda file: file.remove("work"),
    "the other less": lambda file: file.remove("other"),
}


def meant(change: str, config: dict[str, object]) -> dict[str, object]:
    profiles = config["profiles"]
    assert isinstance(profiles, dict)
    new = msgspec.to_builtins(NEW)
    if change == "another profile":
        profiles["new"] = new
    elif change == "a profile that is there":
        profiles["work"] = new
    elif change == "a name with a dot":
        profiles["a.b"] = new
        config["default_profile"] = "a.b"
    elif change == "a default":
        config["default_profile"] = "work"
    elif change == "a profile less":
        del profiles["work"]
    else:
        del profiles["other"]
        if config.get("default_profile") == "other":
            del config["default_profile"]
    return config


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("form", FORMS)
def test_a_change_is_made_as_it_is_meant_or_not_at_all(
    tmp_path: Path, form: str, change: str, ends: str
) -> None:
    file = ConfigFile(tmp_path)
    before = FORMS[form].replace("\n", ends)
    file.path.write_bytes(before.encode())
    file.path.chmod(0o600)
    with suppress(LocalError):
        CHANGES[change](file)
    config, written = tomllib.loads(before), file.path.read_bytes().decode()
    assert written == before or tomllib.loads(written) == meant(change, config)
    assert written != before or form in UNUSUAL
    assert [path.name for path in tmp_path.iterdir() if path.name != "config.lock"] == ["config.toml"]


@pytest.mark.parametrize(
    "form", ["tables", "tables out of order", "comments", "quoted keys", "the default first"]
)
def test_the_usual_forms_can_be_changed_and_keep_their_comments(tmp_path: Path, form: str) -> None:
    file = ConfigFile(tmp_path)
    file.path.write_text(FORMS[form])
    file.path.chmod(0o600)
    file.check("new")
    assert file.path.read_text() == FORMS[form]
    file.save("new", NEW)
    assert set(file.read().profiles) == {"work", "other", "new"}
    assert [line for line in FORMS[form].splitlines() if line.startswith("#")] == [
        line for line in file.path.read_text().splitlines() if line.startswith("#")
    ]


@pytest.mark.parametrize(
    "content",
    [
        *(b"\xef\xbb\xbf[profiles]\n", b"[profiles]\n[profiles]\n", b"a = 1\na = 2\n", b"\xff"),
        *(b"[[profiles]]\n", b"a = " + b"9" * 5000, b"a = " + b"[" * 5000, b"a = " + b"{a=" * 5000),
        *(b"a" + b".a" * 5000 + b" = 1", b"[a" + b".a" * 5000 + b"]", b"#" * 300_000),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_config_is_left_alone(tmp_path: Path, content: bytes) -> None:
    file = ConfigFile(tmp_path)
    file.path.write_bytes(content)
    file.path.chmod(0o600)
    with pytest.raises(LocalError, match="is not usable"):
        file.save("new", NEW)
    with pytest.raises(LocalError, match="is not usable"):
        file.check("new")
    assert file.path.read_bytes() == content


def test_the_last_profile_can_be_removed(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path)
    file.save("work", NEW, as_default=True)
    file.remove("work")
    assert (file.read().profiles, file.read().default_profile) == ({}, None)


def test_what_cannot_be_written_is_known_before_it_is_tried(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path)
    file.path.write_text(FORMS["dotted keys at the top"])
    file.path.chmod(0o600)
    with pytest.raises(LocalError, match="cannot be changed as it is written"):
        file.check("new")
