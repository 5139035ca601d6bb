"""Several keys to revoke, and a service that fails at one of them: each is tried, each result said."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.hostile import ACCOUNT, ENTRY, KEY, Answer, Scripted, listing, one
from tests.support.serving import serving
from tests.support.shell import Result, Shell

SECOND = {**KEY, "id": "1a2b3c4d" + KEY["id"][8:], "name": "deploy"}
THIRD = {**KEY, "id": "2a2b3c4d" + KEY["id"][8:], "name": "last"}
GONE: Answer = ("204 No Content", {}, b"")


def call(method: str, path: str, _: str) -> str:
    key = next((row["name"] for row in (KEY, SECOND) if path.endswith(row["id"])), path.rpartition("/")[2])
    return f"{method} {key}"


@contextmanager
def service(**changed: Answer) -> Iterator[tuple[Scripted, str]]:
    answers: dict[str, Answer] = {
        "GET api-keys": ("200 OK", {}, listing(KEY, SECOND, THIRD)),
        "GET current": ("200 OK", {}, one({**KEY, "id": ENTRY["id"], "name": "own", "account": ACCOUNT})),
        "GET ci": ("200 OK", {}, one(KEY)),
        "GET deploy": ("200 OK", {}, one(SECOND)),
        "DELETE ci": GONE,
        "DELETE deploy": GONE,
    }
    app = Scripted(answers | {name.replace("_", " "): answer for name, answer in changed.items()}, call)
    with serving(app) as url:
        yield app, url


def revoke(shell: Shell, url: str, flags: str = "", code: int = 0) -> Result:
    env = {"ASTALTY_API_KEY": "x", "ASTALTY_BASE_URL": url}
    return shell(f"keys revoke ci deploy --yes {flags}", env=env, code=code)


def test_a_refusal_of_one_key_does_not_keep_the_other_from_being_revoked(shell: Shell) -> None:
    refused: Answer = ("403 No", {}, b'{"message": "This action is unauthorized."}')
    with service(DELETE_ci=refused) as (app, url):
        told = revoke(shell, url, code=4)
        assert [each for each in app.calls if each.startswith("DELETE")] == ["DELETE ci", "DELETE deploy"]
        assert "Revoked 'deploy'" in told.err
        assert f"{KEY['id']}: This action is unauthorized." in told.err
        assert shell("keys recover --json").json == []


def test_a_look_that_fails_afterwards_is_no_failure_to_revoke(shell: Shell) -> None:
    """Neither can be shown: one key still as it was before, the other not at all."""
    failed: Answer = ("403 No", {}, b'{"message": "This action is unauthorized."}')
    with service() as (app, url):
        app.answers = _Once(app.answers | {"GET deploy": failed}, "GET deploy", app.answers["GET deploy"])
        told = revoke(shell, url, "--json")
        assert told.json == []
        assert "Revoked 'ci'" in told.err
        assert "Revoked 'deploy'" in told.err


def test_a_404_after_a_lost_answer_does_not_say_that_a_key_is_revoked(shell: Shell) -> None:
    """A revoked key can be read, so a key that is not there says nothing."""
    lost: Answer = ("502 Bad Gateway", {}, b"<html>")
    absent: Answer = ("404 Not Found", {}, b"{}")
    with service(DELETE_ci=lost) as (app, url):
        reads = iter([app.answers["GET ci"]])
        app.answers["GET ci"] = absent
        app.answers = _Once(app.answers, "GET ci", next(reads))
        told = revoke(shell, url, code=7)
        assert "Whether 'ci' (9ee9dc30-c869-4fb5-9871-b32850e68cad) is revoked is not known" in told.err


class _Once(dict[str, Answer]):
    """Answers one call otherwise at first."""

    def __init__(self, answers: dict[str, Answer], call: str, first: Answer, times: int = 1) -> None:
        super().__init__(answers)
        self._first = {call: [first] * times}

    def __getitem__(self, name: str) -> Answer:
        first = self._first.get(name)
        return first.pop() if first else super().__getitem__(name)
