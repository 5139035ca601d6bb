"""What `--help` says: own options first, then titled groups, and examples that work."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pexpect
import pytest

from astalty_cli.base.vocabulary import By, ExportFormat, FindingCode, KeyStatus, KeyStyle, Storage, Surface
from astalty_cli.cli import command_tree
from astalty_cli.cli.options import Format
from astalty_cli.destinations.kinds import KINDS
from tests.support.accounts import Account
from tests.support.pages import DOCS
from tests.support.shell import Shell

ENTRY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ORDER = ["Arguments", "Options", "Secret", "Filters", "Output", "Account", "Other", "Examples"]


def leaves(group: command_tree.Group, *names: str) -> Iterator[tuple[str, command_tree.Command]]:
    for name, entry in group.commands.items():
        if isinstance(entry, command_tree.Group):
            yield from leaves(entry, *names, name)
        else:
            yield " ".join([*names, name]), entry


COMMANDS = dict(leaves(command_tree.ROOT))


@pytest.mark.parametrize("name", COMMANDS)
def test_titles_come_in_one_order_and_examples_at_the_end(shell: Shell, name: str) -> None:
    shown = shell(f"{name} --help").out
    titles = re.findall(r"^(\w+):$", shown, re.MULTILINE)
    assert titles == [title for title in ORDER if title in titles]
    assert {"Other", "Examples"} <= {*titles}
    examples = shown.rpartition("Examples:\n")[2].splitlines()
    assert examples == [f"  {example}" for example in COMMANDS[name].examples]
    assert 1 <= len(examples) <= 3


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_s_help_line_is_a_short_sentence(name: str) -> None:
    line = COMMANDS[name].help
    assert len(line) <= 60
    assert line[0].isupper()
    assert line.endswith(".")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("keys list", KeyStatus),
        ("keys create", ["read-only", "full-access"]),
        ("sandbox serve", [*Surface, *KeyStyle]),
        ("keys audit", FindingCode),
        ("history stats", By),
        ("history export", ExportFormat),
        ("history list", Format),
        ("auth login", Storage),
        ("completion", ["bash", "zsh", "fish"]),
        ("keys create", [kind.form for kind in KINDS]),
    ],
)
def test_every_choice_is_in_help(shell: Shell, name: str, words: Any) -> None:
    shown = " ".join(shell(f"{name} --help").out.split())
    assert [word for word in words if word not in shown] == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("keys list --status", KeyStatus),
        ("keys create ci --access", ["read-only", "full-access"]),
        ("sandbox serve --surface", [*Surface]),
        ("sandbox serve --key-style", [*KeyStyle]),
        ("keys audit --fail-on", FindingCode),
        ("history stats --by", By),
        ("history export x --format", ExportFormat),
        ("history list -o", Format),
        ("auth login --storage", Storage),
        ("completion", ["bash", "zsh", "fish"]),
        ("keys create ci --to", [f"{kind.name}:" for kind in KINDS]),
    ],
)
def test_every_choice_is_offered_on_tab(shell: Shell, line: str, words: Any) -> None:
    assert [row[0] for row in shell(f"__complete {line} ''").rows] == [*words]


def test_a_word_that_is_no_choice_is_refused_with_those_that_are(shell: Shell) -> None:
    refused = shell("history stats --by weekday", code=2).err
    assert "'weekday' is not one of status, path, method, user, ip, key, hour, day" in refused


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_reference_has_each_kind_of_destination(kind: Any) -> None:
    page = (DOCS / "reference" / "destinations.md").read_text("utf-8")
    assert f"\n## `{kind.form}`\n" in page
    assert f"\n| `{kind.form}` | " in page


def test_the_reference_has_no_other_kind() -> None:
    page = (DOCS / "reference" / "destinations.md").read_text("utf-8")
    assert re.findall(r"^## `(\w+:\S+)`$", page, re.MULTILINE) == [kind.form for kind in KINDS]


# -- examples ------------------------------------------------------------------------------------


@pytest.fixture
def prepared(served: Account) -> Account:
    """An account and a machine on which each example makes sense."""
    shell = served.shell
    secret = served.home.secret().reveal()
    for name in ("key-file", "leaked-key"):
        (shell.home / name).write_text(secret)
    script = shell.home / "sync-rosters.sh"
    script.write_text('#!/bin/sh\ntest -n "$ASTALTY_API_KEY"\n')
    script.chmod(0o755)
    (shell.home / ".config" / "fish" / "completions").mkdir(parents=True)
    return served


EXAMPLES = [
    (name, example)
    for name, entry in COMMANDS.items()
    for example in entry.examples
    if name not in {"sandbox serve", "history tail", "sandbox tour"}
]


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=lambda text: text)
def test_an_example_works(prepared: Account, name: str, example: str) -> None:
    shell = prepared.shell
    env = {**shell.environ, "ASTALTY_BASE_URL": prepared.base_url or ""}
    secret = prepared.home.secret().reveal()
    if "work" in example:
        shell(f"auth login -p work --with-token --storage file --base-url {prepared.base_url}", stdin=secret)
    for key in ("ci", "reports") if name != "keys create" else ():
        if key in shlex.split(example):
            shell(f"keys create {key} --to file:{key}-key")
    if name == "keys add":
        (shell.config / "keys.toml").unlink()  # the key of the profile is in it
    if name == "history purge":
        shell("history sync")
    if name == "auth login":  # there is no keyring here
        example = example.replace("auth login", "auth login --storage file --yes")
    line = ENTRY.sub(lambda _: shell("history list -L 1 --query [0].id").out.strip(), example)
    if needs_a_person(line):
        played(line, env, shell, secret)
    else:
        done = subprocess.run(
            ["bash", "-ec", line], env=env, cwd=shell.home, capture_output=True, text=True, check=False
        )
        assert done.returncode == (8 if "--fail-on" in example else 0), done.stderr


def needs_a_person(line: str) -> bool:
    words = shlex.split(line)
    return words[:3] in (
        ["astalty", "auth", "login"],
        ["astalty", "keys", "panic"],
        ["astalty", "keys", "add"],
        ["astalty", "keys", "create"],
        ["astalty", "keys", "rotate"],
        ["astalty", "keys", "revoke"],
        ["astalty", "history", "purge"],
        ["astalty", "keys", "recover"],
    )


def played(line: str, env: Any, shell: Shell, secret: str) -> None:
    """Run it on a terminal, and answer what it asks."""
    child = pexpect.spawn(
        "bash", ["-ec", line], env={**env, "TERM": "xterm"}, cwd=str(shell.home), encoding="utf-8", timeout=60
    )
    while (asked := child.expect_exact(["(not shown): ", "[y/N] ", pexpect.EOF])) != 2:
        if asked == 0:
            child.waitnoecho(30)
        child.sendline(secret if asked == 0 else "y")
    child.close()
    assert child.exitstatus == 0, child.before
