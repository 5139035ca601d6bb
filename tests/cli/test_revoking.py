"""Several keys to revoke, and a service that fails at one of them: each is tried, each result said."""

from tests.hostile import KEY, Answer, answering, listing
from tests.shell import Result, Shell

SECOND = {**KEY, "id": "1a2b3c4d" + KEY["id"][8:], "name": "deploy"}
GONE: Answer = ("204 No Content", {}, b"")
KEYS: Answer = ("200 OK", {}, listing(KEY, SECOND))
NO_CURRENT: Answer = ("404 Not Found", {}, b"{}")


def revoke(shell: Shell, url: str, flags: str = "", code: int = 0) -> Result:
    env = {"ASTALTY_API_KEY": "x", "ASTALTY_BASE_URL": url}
    return shell(f"keys revoke ci deploy --yes {flags}", env=env, code=code)


def test_a_refusal_of_one_key_does_not_keep_the_other_from_being_revoked(shell: Shell) -> None:
    refused: Answer = ("403 No", {}, b'{"message": "This action is unauthorized."}')
    with answering(KEYS, NO_CURRENT, refused, GONE) as (app, url):
        told = revoke(shell, url, code=4)
        assert [method for method, _ in app.calls].count("DELETE") == 2
        assert "Revoked 'deploy'" in told.err
        assert f"{KEY['id']}: This action is unauthorized." in told.err


def test_a_server_that_cannot_say_whose_key_it_is_does_not_keep_keys_alive(shell: Shell) -> None:
    with answering(KEYS, NO_CURRENT, GONE, GONE) as (_, url):
        told = revoke(shell, url)
        assert "Revoked 'ci'" in told.err
        assert "Revoked 'deploy'" in told.err


def test_a_look_that_fails_afterwards_is_no_failure_to_revoke(shell: Shell) -> None:
    broken: Answer = ("500 No", {}, b"{}")
    with answering(KEYS, NO_CURRENT, GONE, broken, GONE, broken) as (app, url):
        told = revoke(shell, url, "--json")
        assert told.json == []
        assert [method for method, _ in app.calls].count("DELETE") == 2
        assert "Revoked 'ci'" in told.err
        assert "Revoked 'deploy'" in told.err
