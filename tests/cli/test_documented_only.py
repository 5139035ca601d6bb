"""A server that has only the documented calls: each command does its job another way, or names the page."""

import json
import shutil
from hashlib import sha256

import pytest

from astalty_cli.api import contract
from astalty_cli.base.times import iso, utc_now
from tests.support.documented import (
    EVERYTHING_FORBIDDEN,
    FORBIDDEN,
    VARIANTS,
    WEB_PAGE,
    Documented,
    catalogue,
    documented,
    let_a_day_pass,
    memories,
)
from tests.support.hostile import ACCOUNT, CANARY, ENTRY, KEY, Answer, answering, listing, one
from tests.support.shell import Result, Shell

KEYS_PAGE = "Settings → Developers → API Dashboard → Manage Keys"
HISTORY_PAGE = "Settings → Developers → API Dashboard → the request history"
NOTHING = "This says nothing about the key."
DEAD = "7|astaltydeadcanary0123456789"

RECORD = "This service does not list its keys. From the record: "
FROM_THE_RECORD = ["keys list", "keys list --status revoked --json", "keys audit"]

# What each command says; those that end with another code than 3 are below.
KEYS = {
    "keys show ci": RECORD,
    "keys rename ci other": RECORD,
    "keys create ci --plain": "created in the web app",
    "keys create ci --to file:new-key": f"Create it in the web app ({KEYS_PAGE})",
    "keys create ci --to file:new-key --dry-run": "would be created in the web app",
    "keys rotate ci --plain": "created in the web app",
    f"keys rotate {KEY['id']} --to file:new-key": KEYS_PAGE,
    "keys revoke ci --yes": KEYS_PAGE,
    "keys panic --with-token --yes --plain": "created in the web app",
    "keys panic --with-token --yes --dry-run": "In the web app, the key that ends in",
}
CODES = {
    "keys create ci --plain": 2,
    "keys create ci --to file:new-key": 2,
    "keys create ci --to file:new-key --dry-run": 0,
    "keys rotate ci --plain": 2,
    "keys panic --with-token --yes --plain": 2,
    "keys panic --with-token --yes --dry-run": 0,
}
HISTORY = [
    "history list",
    "history list -L 5 --json",
    "history list --status 4xx --since 1h",
    "history list --all",
    "history tail --timeout 5",
    "history stats",
    "history export requests.jsonl",
    "history sync",
]
BY_ID = {f"keys show {KEY['id']}": RECORD, f"history show {ENTRY['id']}": HISTORY_PAGE}


def run(shell: Shell, server: Documented, line: str, code: int) -> Result:
    """Run a command with nothing remembered, and look at what it asked of the server."""
    shutil.rmtree(shell.home / ".cache", ignore_errors=True)
    server.calls.clear()
    result = shell(line, stdin=CANARY if "--with-token" in line else "", code=code)
    assert server.writes() == [], line
    assert CANARY not in result.out + result.err, line
    return result


@pytest.mark.parametrize("variant", [*VARIANTS, EVERYTHING_FORBIDDEN])
def test_each_command_names_the_page_after_one_call_into_the_unknown(shell: Shell, variant: str) -> None:
    with documented(shell, variant) as server:
        for line in FROM_THE_RECORD:
            assert RECORD in run(shell, server, line, 0).err
            assert len(server.asked("/api-keys")) == 1, line
        for line, words in (*KEYS.items(), *((line, HISTORY_PAGE) for line in HISTORY), *BY_ID.items()):
            result = run(shell, server, line, CODES.get(line, 3))
            assert words in result.err.replace(r"\u2192", "→"), line
            looks = 2 if line in BY_ID else 1  # a 404 for one id says nothing: then the list is asked for
            assert len(server.asked("/api-keys")) <= looks, line
            assert len(server.asked("/api-requests")) <= looks, line
            server.calls.clear()
            shell(line, stdin=CANARY if "--with-token" in line else "", code=CODES.get(line, 3))
            assert server.asked("/api-keys") + server.asked("/api-requests") == [], f"again: {line}"
    assert not any("beta" in each.err or "support" in each.err.lower() for each in shell.printed)
    files = [file for file in shell.home.rglob("*") if file.is_file()]
    assert files
    assert [file for file in files if CANARY.encode() in file.read_bytes()] == []
    assert {file.stat().st_mode & 0o777 for file in memories(shell)} == {0o600}


@pytest.mark.parametrize("variant", [*VARIANTS, EVERYTHING_FORBIDDEN])
def test_signing_in_status_and_doctor_call_a_good_key_good(shell: Shell, variant: str) -> None:
    with documented(shell, variant) as server:
        url = shell.environ["ASTALTY_BASE_URL"]
        login = f"auth login -p work --with-token --storage file --base-url {url}"
        run(shell, server, login, 0)
        assert len(server.asked("/api-keys")) <= 1
        status = run(shell, server, "auth status -p work --json", 0).json
        assert (status["works"], status["last_four"]) == (True, CANARY[-4:])
        rows = {row["check"]: row for row in run(shell, server, "doctor --json", 0).json}
        assert rows["account"]["status"] == rows["endpoints"]["status"] == "ok"
        assert "web pages here: Settings → Developers → API Dashboard." in rows["endpoints"]["found"]
        run(shell, server, "keys recover", 0)
        assert server.calls == []
        shell("auth switch work")
        refused = shell(login.replace("work", "bad"), stdin=DEAD, code=4)
        assert "does not accept this key" in refused.err
        assert not (shell.config / "keys" / "bad.json").exists()


@pytest.mark.parametrize("variant", [*VARIANTS, EVERYTHING_FORBIDDEN])
def test_a_key_that_is_not_accepted_is_said_to_be_that(shell: Shell, variant: str) -> None:
    with documented(shell, variant) as server:
        shell.environ["ASTALTY_API_KEY"] = DEAD
        for line in ("auth status", "keys list", "history list", "keys create ci --plain", "doctor"):
            run(shell, server, line, 4)
    assert memories(shell) == []


@pytest.mark.parametrize(
    "between",
    [
        ("200 OK", {}, WEB_PAGE),
        ("200 OK", {}, b'{"login": "https://portal.example"}'),
        ("302 Found", {"Location": "https://portal.example"}, b""),
        FORBIDDEN,
        ("403 Forbidden", {}, WEB_PAGE),
        ("404 Not Found", {}, b'{"message": "No."}'),
        ("407 Proxy Authentication Required", {}, WEB_PAGE),
        ("429 Slow", {"Retry-After": "999999"}, b'{"message": "Slow."}'),
        ("511 Sign in", {}, WEB_PAGE),
        ("401 No", {}, WEB_PAGE),
    ],
    ids=["page", "JSON", "302", "403", "403 page", "404", "407", "429", "511", "401 page"],
)
def test_what_stands_in_between_decides_nothing(shell: Shell, between: Answer) -> None:
    with answering(between) as (_, url):
        shell.environ |= {"ASTALTY_BASE_URL": url, "ASTALTY_API_KEY": CANARY}
        login = f"auth login -p work --with-token --storage file --base-url {url}"
        assert NOTHING in shell(login, stdin=CANARY, code=6).err
        status = shell("auth status --json", code=6)
        assert status.json["works"] is None
        assert NOTHING in status.err
        assert NOTHING in shell("doctor --json", code=6).out
        for line in ("keys list", "history list", "keys create ci --plain", f"keys show {KEY['id']}"):
            assert shell(line, code=6).out == ""
    assert memories(shell) == []
    assert not (shell.config / "config.toml").exists()


def test_a_pasted_key_is_refused_only_at_the_second_look(shell: Shell) -> None:
    no: Answer = ("401 No", {}, b'{"message": "Unauthenticated."}')
    with answering(no, ("200 OK", {}, listing())) as (server, url):
        login = f"auth login --with-token --storage file --base-url {url}"
        assert "Signed in" in shell(login, stdin=CANARY).err
        assert [path for _, path in server.calls[:2]] == ["/public/v1/participants"] * 2


# -- from one day to the next ---------------------------------------------------------------------

LISTS: dict[str, Answer] = {
    "GET /public/v1/api-keys": ("200 OK", {}, listing(KEY)),
    "GET /public/v1/api-requests": ("200 OK", {}, listing(ENTRY)),
    "GET /public/v1/api-keys/current": ("200 OK", {}, one({**KEY, "account": ACCOUNT})),
}


def test_what_a_service_starts_to_offer_is_used_from_the_next_day(shell: Shell) -> None:
    with documented(shell) as server:
        assert RECORD in shell("keys list").err
        shell("history list", code=3)
        server.offered |= LISTS
        assert RECORD in shell("keys list").err
        shell("history list", code=3)
        let_a_day_pass(shell)
        assert shell("keys list").rows[0][1] == "ci"
        assert shell("history list").rows


@pytest.mark.parametrize("line", ["doctor", "endpoints list --refresh"])
def test_doctor_and_refresh_ask_again_at_once(shell: Shell, line: str) -> None:
    with documented(shell) as server:
        assert RECORD in shell("keys list").err
        shell("history list", code=3)
        server.offered |= LISTS
        shell(line)
        assert shell("keys list").rows[0][1] == "ci"
        assert shell("history list").rows


def test_what_a_service_stops_to_offer_is_noticed_at_once(shell: Shell) -> None:
    with documented(shell) as server:
        for line in (f"keys show {KEY['id']}", "history list"):
            server.offered |= LISTS
            server.offered[f"GET /public/v1/api-keys/{KEY['id']}"] = ("200 OK", {}, one(KEY))
            shell("endpoints list --refresh")
            shell(line)
            server.offered.clear()
            assert (RECORD if "keys" in line else "Settings → Developers") in shell(line, code=3).err
            server.calls.clear()
            shell(line, code=3)
            assert server.calls == []


@pytest.mark.parametrize("status", ["403 No", "401 No", "500 No"])
def test_one_bad_answer_takes_nothing_back(shell: Shell, status: str) -> None:
    with documented(shell) as server:
        server.offered |= LISTS
        shell("keys list")
        server.offered["GET /public/v1/api-keys"] = (status, {}, b'{"message": "No."}')
        shell("keys list", code=6 if status == "500 No" else 4)
        server.offered |= LISTS
        assert shell("keys list").rows


def test_names_of_keys_are_not_completed_once_they_are_gone(shell: Shell) -> None:
    with documented(shell) as server:
        server.offered |= LISTS
        shell("keys list")
        assert shell("__complete keys show c").rows[0][0] == "ci"
        server.offered.clear()
        assert RECORD in shell("keys list").err
        assert shell("__complete keys show c").out == ""


def test_two_keys_with_other_rights_are_remembered_apart(shell: Shell) -> None:
    other = {"ASTALTY_API_KEY": "8|astaltyreadonlycanary012345"}
    with documented(shell) as server:
        server.keys.add(other["ASTALTY_API_KEY"])
        server.offered |= LISTS
        shell("keys list")
        server.offered["GET /public/v1/api-keys"] = FORBIDDEN
        assert RECORD in shell("keys list", env=other).err
        server.offered |= LISTS
        server.calls.clear()
        assert RECORD in shell("keys list", env=other).err
        assert server.calls == []
        assert shell("keys list").rows


def test_behind_a_gateway_of_this_program_nothing_is_offered_and_nothing_remembered(shell: Shell) -> None:
    with documented(shell) as server:
        denied: Answer = ("403 Forbidden", {"X-Astalty-Gateway": "denied"}, FORBIDDEN[2])
        server.offered |= dict.fromkeys(LISTS, denied)
        assert RECORD in shell("keys list").err
        assert "Settings → Developers" in shell("history list", code=3).err
        assert "Settings → Developers" in shell("keys create ci", code=2).err
        assert server.asked("/participants") == []
        assert memories(shell) == []


# -- the catalogue ---------------------------------------------------------------------------------

ALL = [(each.method, each.path) for each in contract.ASSUMED]
READ = ("GET", "/public/v1/participants")


def test_a_catalogue_that_was_fetched_decides(shell: Shell) -> None:
    with documented(shell) as server:
        server.offered |= {**LISTS, "GET /docs/openapi.json": catalogue(READ)}
        shell("endpoints list")
        assert RECORD in shell("keys list").err
        shell("history list", code=3)
        server.offered["GET /docs/openapi.json"] = catalogue(READ, *ALL)
        shell("endpoints list --refresh")
        assert shell("keys list").rows
        assert shell("history list").rows
        assert server.asked("/participants") == []


def keep_catalogue(shell: Shell, document: Answer) -> None:
    """Let a copy of Astalty's own catalogue be on this machine, as of now."""
    origin = contract.DEFAULT_BASE_URL
    copy = {"origin": origin, "address": contract.OPENAPI, "etag": None, "checked_at": iso(utc_now())}
    copy["document"] = json.loads(document[2])
    path = shell.home / ".cache/astalty/catalogue" / f"{sha256(origin.encode()).hexdigest()[:16]}.json"
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_text(json.dumps(copy))
    path.chmod(0o600)


WRITES = {
    "keys create ci --to file:key": 2,
    f"keys rotate {KEY['id']} --to file:key": 3,
    f"keys revoke {KEY['id']} --yes": 3,
    f"keys rename {KEY['id']} other": 3,
    "keys panic --with-token --yes --to file:key": 2,
}
# Nothing gets out: a test that asked for it would end with exit code 6.
NOWHERE = {"ASTALTY_API_KEY": CANARY, "HTTPS_PROXY": "http://127.0.0.1:1"}


@pytest.mark.parametrize("line", WRITES)
def test_on_astaltys_own_service_only_what_its_catalogue_lists_is_written_to(shell: Shell, line: str) -> None:
    keep_catalogue(shell, catalogue(READ, *(call for call in ALL if call[0] == "GET")))
    told = shell(line, stdin=CANARY, env=NOWHERE, code=WRITES[line]).err
    assert KEYS_PAGE in told
    shutil.rmtree(shell.home / ".cache")
    keep_catalogue(shell, catalogue(READ, *ALL))
    assert "Cannot reach https://api.app.astalty.com.au" in shell(line, stdin=CANARY, env=NOWHERE, code=6).err


def test_a_history_without_keys_can_be_filtered_by_the_id_of_a_key(shell: Shell) -> None:
    with documented(shell) as server:
        server.offered["GET /public/v1/api-requests"] = LISTS["GET /public/v1/api-requests"]
        assert shell(f"history list --key {KEY['id']}").rows
        assert KEYS_PAGE in shell("history list --key ci", code=3).err


def test_a_status_that_nothing_decides_is_shown_as_unknown(shell: Shell) -> None:
    with answering(FORBIDDEN) as (_, url):
        shell.environ |= {"ASTALTY_BASE_URL": url, "ASTALTY_API_KEY": CANARY}
        assert "works\t\n" in shell("auth status", code=6).out
        assert "Works" in shell("auth status -o table", code=6).out
