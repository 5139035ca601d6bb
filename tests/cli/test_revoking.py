"""Several keys to revoke, and a service that fails at one of them: each is tried, each result said."""

from tests.hostile import ACCOUNT, ENTRY, KEY, Answer, answering, listing, one
from tests.shell import Result, Shell

SECOND = {**KEY, "id": "1a2b3c4d" + KEY["id"][8:], "name": "deploy"}
THIRD = {**KEY, "id": "2a2b3c4d" + KEY["id"][8:], "name": "last"}
GONE: Answer = ("204 No Content", {}, b"")
KEYS: Answer = ("200 OK", {}, listing(KEY, SECOND, THIRD))
OWN: Answer = ("200 OK", {}, one({**KEY, "id": ENTRY["id"], "name": "own", "account": ACCOUNT}))


def revoke(shell: Shell, url: str, flags: str = "", code: int = 0) -> Result:
    env = {"ASTALTY_API_KEY": "x", "ASTALTY_BASE_URL": url}
    return shell(f"keys revoke ci deploy --yes {flags}", env=env, code=code)


def test_a_refusal_of_one_key_does_not_keep_the_other_from_being_revoked(shell: Shell) -> None:
    refused: Answer = ("403 No", {}, b'{"message": "This action is unauthorized."}')
    with answering(KEYS, OWN, KEYS, refused, GONE) as (app, url):
        told = revoke(shell, url, code=4)
        assert [method for method, _ in app.calls].count("DELETE") == 2
        assert "Revoked 'deploy'" in told.err
        assert f"{KEY['id']}: This action is unauthorized." in told.err


def test_a_look_that_fails_afterwards_is_no_failure_to_revoke(shell: Shell) -> None:
    broken: Answer = ("500 No", {}, b"{}")
    with answering(KEYS, OWN, KEYS, GONE, broken, GONE, broken) as (app, url):
        told = revoke(shell, url, "--json")
        assert told.json == []
        assert [method for method, _ in app.calls].count("DELETE") == 2
        assert "Revoked 'ci'" in told.err
        assert "Revoked 'deploy'" in told.err
