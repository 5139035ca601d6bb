"""The session a user has, from signing in to a revoked key, in both ways of reaching the API."""

from datetime import timedelta

from tests.support.accounts import Account


def test_a_key_lives_from_create_to_revoke(account: Account) -> None:
    shell = account.shell

    first = shell("keys create ci-deploy --plain").out.strip()
    assert account.status_of(first) == 200

    participants = shell("api participants?page[size]=1", env={"ASTALTY_API_KEY": first}).json
    assert len(participants["data"]) == 1

    assert "ci-deploy" in [row[1] for row in shell("keys list").rows]

    shell("keys rename ci-deploy deploy")
    names = [row[1] for row in shell("keys list").rows]
    assert "deploy" in names
    assert "ci-deploy" not in names

    rotated = shell("keys rotate deploy --grace 2h --plain")
    second = rotated.out.strip()
    assert second != first
    assert "The old secret works until" in rotated.err
    assert account.status_of(first) == 200
    assert account.status_of(second) == 200

    assert account.status_of(first, after=timedelta(hours=2, minutes=1)) == 401
    assert account.status_of(second) == 200

    key_id = shell("keys show deploy --query id").out.strip()
    shell("keys revoke deploy --yes")
    assert account.status_of(second) == 401
    refused = shell("api participants", env={"ASTALTY_API_KEY": second}, code=4)
    assert "does not accept this key" in refused.err

    calls = shell("history list --all --since 1h --json").json
    said = [(call["method"], call["path"].partition("?")[0], call["status"]) for call in calls]
    for method, path, status in (
        ("POST", "/public/v1/api-keys", 201),
        ("PATCH", f"/public/v1/api-keys/{key_id}", 200),
        ("POST", f"/public/v1/api-keys/{key_id}/rotate", 201),
        ("GET", "/public/v1/api-keys/current", 200),
        ("POST", f"/public/v1/api-keys/{key_id}/expire-previous", 200),
        ("DELETE", f"/public/v1/api-keys/{key_id}", 204),
        ("GET", "/public/v1/participants", 401),
    ):
        assert (method, path, status) in said, (method, path, status)

    by_key = shell(f"history list --all --key {key_id} --json").json
    assert {call["api_key"]["id"] for call in by_key} == {key_id}
    assert "/public/v1/participants?page[size]=1" in {call["path"] for call in by_key}


def test_rotating_the_key_in_use_brings_the_profile_along(account: Account) -> None:
    shell = account.shell
    own = shell("auth status --json").json["key_id"]
    before = account.home.key_file.read_text().strip()

    rotated = shell(f"keys rotate {own} --grace 1h --plain")

    assert "now uses the new secret" in rotated.err
    assert account.status_of(before, after=timedelta(hours=1, minutes=1)) == 401
    assert shell("auth status --json").json["last_four"] == rotated.out.strip()[-4:]
