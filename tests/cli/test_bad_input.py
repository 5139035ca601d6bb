"""Bad input of every kind to every option: exit 2, one clear line, no traceback, nothing sent."""

import pytest

from tests.support.accounts import Account

UUID = "9ee9dc30-c869-4fb5-9871-b32850e68cad"
LONG = "x" * 101

LINES = [
    "nonsense",
    "'' participants --dry-run",
    "keys nonsense",
    "keys ''",
    "keys list extra",
    "keys list --timeout 0",
    "keys list --timeout -1",
    "keys list --timeout nan",
    "keys list --timeout inf",
    "keys list --timeout 1e300",
    "keys list --timeout soon",
    "keys list --status sleeping",
    "keys list --status ''",
    "keys list --status active,",
    "keys list --sort size",
    "keys list --sort ''",
    "keys list --sort=--name",
    "keys list --profile ''",
    "keys list --profile ../x",
    f"keys list --profile {LONG}",
    "keys list --base-url ''",
    "keys list --ca-file /no/such/file --base-url https://127.0.0.1:1",
    "keys list --fields ''",
    "keys list --fields ,",
    "keys list --query ''",
    "keys list -o",
    "keys list -o xml",
    "keys list --json=yes",
    "keys show",
    "keys show a b",
    "keys create",
    "keys create ''",
    "keys create '   '",
    f"keys create {LONG}",
    "keys create x --plain --grace 1h",
    "keys rename x",
    "keys rename x ''",
    f"keys rename x {LONG}",
    "keys rotate",
    "keys rotate x --plain --grace 8d",
    "keys rotate x --plain --grace -1h",
    "keys rotate x --plain --grace 24",
    "keys rotate x --plain --grace 1.5h",
    "keys rotate x --plain --grace 1y",
    "keys rotate x --plain --grace ''",
    "keys rotate x --plain --grace 99999999999999999999d",
    "keys rotate x --plain --grace ٣h",
    "keys revoke",
    "keys revoke --yes",
    "history list --status 600",
    "history list --status 4x",
    "history list --status 404,,5xx",
    "history list --method FETCH",
    "history list --method ''",
    "history list --path ''",
    "history list --path 'a\tb'",
    "history list --ip 300.1.1.1",
    "history list --ip localhost",
    "history list --user nobody",
    "history list --user a@b,c@d",
    "history list --since yesterday",
    "history list --since 2026-13-01",
    "history list --since 999999999w",
    "history list --since 0001-01-01",
    "history list --since 2026-01-02 --until 2026-01-01",
    "history list --limit 0",
    "history list -L -3",
    "history list -L many",
    "history list --all -L 5",
    "history list --sort path",
    "history show",
    "history show 123",
    f"history show {UUID} --request --fields id",
    "api",
    "api ''",
    "api /",
    "api https://example.com/public/v1/participants",
    "api //example.com/x",
    "api 'a b'",
    "api 'a\x1b[31m'",
    "api x#y",
    "api x --query '['",
    "endpoints show GET ''",
    "endpoints show GET ' '",
    "endpoints list --web -o table",
    "auth login --storage cloud",
    "auth switch",
    "auth switch ../x",
    "auth exec",
    "sandbox serve --port 70000",
    "sandbox serve --port x",
    "sandbox serve --host 0.0.0.0 --port 0",
    "sandbox serve --host example.com --port 0",
    "sandbox serve --rate-limit -1",
    "sandbox info --fields nothing",
    "sandbox reset",
]  # fmt: skip


UNKNOWN = {
    "nonsense",
    "'' participants --dry-run",
    "keys nonsense",
    "keys ''",
    "keys create x --plain --grace 1h",
}


@pytest.mark.parametrize("line", LINES)
def test_bad_input_is_refused_before_anything_is_sent(sandbox: Account, line: str) -> None:
    shell = sandbox.shell
    if "--ca-file" in line:
        shell.environ |= {"ASTALTY_API_KEY": "x", "ASTALTY_PROFILE": "default"}
    refused = shell(line, code=2)
    assert refused.out == ""
    assert refused.err.startswith("astalty: ")
    assert len(refused.err.splitlines()) <= 3
    assert ("No such" in refused.err) == (line in UNKNOWN), "not refused for what is bad about it"
    assert not sandbox.home.database.exists()  # the account was not even looked at


def test_a_key_that_is_not_there_is_not_found(sandbox: Account) -> None:
    for wanted in ("nobody", "''", "zzzz", "-- -x", "'\x1b[31m'", UUID, "x" * 5000):
        missing = sandbox.shell(f"keys show {wanted}", code=3)
        assert "\x1b" not in missing.err
        assert missing.out == ""
