"""`astalty api`: any call, as users of `gh api` know it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.hostile import CANARY, KEY, at, speaking
from tests.support.serving import serving
from tests.support.shell import Shell
from tests.support.terminal import Terminal


def names(account: Account, line: str) -> list[str]:
    return account.shell(f"api {line} --query data[].full_name").out.splitlines()


# -- reading -------------------------------------------------------------------------------------


def test_fields_of_a_get_are_its_query(account: Account) -> None:
    typed = names(account, "'participants?filter[status]=active&page[size]=5'")
    assert len(typed) == 5
    assert names(account, "participants -X GET -f 'filter[status]=active' -F 'page[size]=5'") == typed
    assert (
        names(account, "'/public/v1/participants?page%5Bsize%5D=5' -X get -f filter[status]=active") == typed
    )


def test_brackets_and_letters_go_over_the_wire_as_they_should(shell: Shell) -> None:
    heard: list[bytes] = []
    with speaking(lambda connection: connection.sendall(b"HTTP/1.1 204 No\r\n\r\n"), heard) as url:
        line = (
            "'participants?page[number]=2&filter[name]=Zoë&raw=%C3%AB%2f' "
            "-X GET -f 'filter[x]=ü & [b]' -f y=%41"
        )
        shell(f"api {line}", env=at(url))
        query = "page[number]=2&filter[name]=Zo%C3%AB&raw=%C3%AB%2f&filter[x]=%C3%BC+%26+[b]&y=%2541"
        assert heard[0].startswith(f"GET /public/v1/participants?{query} HTTP/1.1\r\n".encode())
        planned = shell(f"api {line} --dry-run --json", env=at(url)).json
        assert planned[0]["url"] == f"{url}/public/v1/participants?{query}"


def test_the_body_is_printed_as_one_line_of_ascii(account: Account) -> None:
    for form in ("", "--json", "-o json", "-o jsonl"):
        shown = account.shell(f"api participants -X GET -f page[size]=2 {form}")
        assert len(shown.json["data"]) == 2
        assert shown.out.isascii()
        assert shown.out.count("\n") == 1
    for form in ("table", "tsv", "csv"):
        assert "prints JSON" in account.shell(f"api participants -o {form}", code=2).err


def test_a_query_in_each_form(account: Account) -> None:
    line = "api participants -X GET -f page[size]=2 --query data[].status"
    plain, array, lines = (account.shell(f"{line} {form}").out for form in ("", "--json", "-o jsonl"))
    assert json.loads(array) == [json.loads(each) for each in lines.splitlines()] == plain.split()


def test_include_shows_the_head_first(account: Account) -> None:
    head, _, body = account.shell("api api-keys/current -i").out.partition("\n\n")
    assert head.startswith("HTTP/1.1 200 OK\n")
    assert "content-type: application/json" in head
    assert json.loads(body)["data"]["name"] == "sandbox cli"
    assert "exclude" in account.shell("api api-keys/current -i --query data", code=2).err


@pytest.mark.parametrize(
    ("line", "code", "status"),
    [("nothing", 3, 404), ("participants -X PUT", 5, 405), ("participants -f status=x", 5, 422)],
)
def test_a_refusal_is_on_stdout_only_where_it_was_asked_for(
    account: Account, line: str, code: int, status: int
) -> None:
    assert account.shell(f"api {line}", code=code).out == ""
    assert account.shell(f"api {line} --json", code=code).error["status"] == status
    shown = account.shell(f"api {line} -i", code=code)
    assert shown.out.startswith(f"HTTP/1.1 {status} ")
    assert "message" in json.loads(shown.out.partition("\n\n")[2])
    assert shown.err.startswith("astalty: ")


def test_a_key_that_does_not_work(account: Account) -> None:
    assert account.shell("api participants", env={"ASTALTY_API_KEY": CANARY}, code=4).out == ""


# -- writing -------------------------------------------------------------------------------------


def test_a_thing_is_made_changed_and_read(account: Account) -> None:
    shell = account.shell
    made = shell("api participants -f first_name=Zoë -f last_name='O, \"N\"'").json["data"]
    assert made["full_name"] == 'Zoë O, "N"'
    path = f"participants/{made['id']}"
    shell(f"api {path} -X PATCH -F preferred_name=null -f last_name=Fig")
    shell(f"api {path} -X PATCH --input -", stdin='{"preferred_name": "Zo"}')
    now = shell(f"api {path}").json["data"]
    assert (now["preferred_name"], now["full_name"]) == ("Zo", "Zoë Fig")


@dataclass
class Listener:
    """A WSGI application that answers 204, and keeps what it was sent."""

    calls: list[tuple[str, str, str, bytes]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        method, query, kind = (environ[name] for name in ("REQUEST_METHOD", "QUERY_STRING", "CONTENT_TYPE"))
        self.calls.append((method, query, kind, sent))
        start_response("204 No Content", [])
        return []


def test_values_and_bodies_come_from_files(shell: Shell) -> None:
    (shell.home / "note").write_text("é\n")
    (shell.home / "body").write_bytes(b" not json\xff")
    listener = Listener()
    with serving(listener) as url:
        shell.environ |= at(url)
        shell("api x -F a=@note -F b=@- -f c=@note", stdin="é1")
        shell("api x --input body -f 'q[]=1' -H 'content-type: text/plain'")
        shell("api x --input - -X put", stdin=b"\x00\xff")
    assert listener.calls == [
        ("POST", "", "application/json", '{"c":"@note","a":"é\\n","b":"é1"}'.encode()),
        ("POST", "q[]=1", "text/plain", b" not json\xff"),
        ("PUT", "", "application/json", b"\x00\xff"),
    ]


def test_an_empty_answer_prints_nothing(account: Account) -> None:
    shell = account.shell
    shell("keys create ci --plain")
    key_id = shell("keys show ci --query id").out.strip()
    gone = shell(f"api api-keys/{key_id} -X DELETE")
    assert (gone.out, gone.err) == ("", "")
    assert shell(f"keys show {key_id} --query status").out == "revoked\n"


def test_an_idempotency_key_may_be_given(account: Account) -> None:
    line = "api participants -f first_name=A -f last_name=B -H 'Idempotency-Key: once' --query data.id"
    assert account.shell(line).out == account.shell(line).out


# -- a dry run -----------------------------------------------------------------------------------


def test_a_dry_run_shows_the_call_and_sends_nothing(account: Account) -> None:
    shell, before = account.shell, account.calls()
    secret = account.home.secret()
    line = "api participants -f first_name=Zoë -F 'tags[]=1' -H 'X-A: b' --dry-run"
    planned = shell(f"{line} --json")
    assert len(planned.json) == 1
    assert planned.json[0] | {"url": ""} == {
        "method": "POST",
        "url": "",
        "authorization": f"Bearer …{secret.last_four}",
        "body": {"first_name": "Zoë", "tags": [1]},
        "headers": {"X-A": "b", "Content-Type": "application/json"},
    }
    assert planned.json[0]["url"].endswith("/public/v1/participants")
    assert "A dry run: nothing was changed." in planned.err
    assert shell(line).rows[0][0] == "POST"
    text = shell("api participants --input - --dry-run --query [0].body", stdin="a: 1").out
    assert text == "a: 1\n"
    pages = shell("api participants --paginate --dry-run --query [0].url").out
    assert pages.endswith("/public/v1/participants?page[size]=100&page[number]=1\n")
    assert account.calls() == before
    assert secret.reveal() not in "".join(each.out + each.err for each in shell.printed)


def test_on_a_terminal_a_dry_run_is_lines(sandbox: Account) -> None:
    terminal = Terminal(sandbox.shell, "api participants -f first_name=Jo -H 'X-A: b' --dry-run", columns=50)
    last_four = sandbox.home.secret().last_four
    assert terminal.ends().splitlines() == [
        "POST http://sandbox.localhost/public/v1/participan",
        "ts",
        f"  Authorization: Bearer …{last_four}",
        "  X-A: b",
        "  Content-Type: application/json",
        '  {"first_name":"Jo"}',
        "A dry run: nothing was changed.",
    ]


# -- refused before anything is sent -------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "x -X FETCH", "x -X ''", "x -f a", "x -f =b", "x -f 'a[=b'", "x -f a=1 -F a=2", "x -f 'a[][]=1'",
        "x -F a=@/no/such/file", "x -F a=@.", "x --input /no/such/file", "x --input .", "x --input ''",
        "x --input - -F a=@-", "x -F a=@- -F b=@-", "x -X GET --input -", "x -X GET -f 'a[]'",
        "x -H Authorization:x", "x -H 'Cookie: a=b'", "x -H 'X-A: b\nHost: c'", "x -H 'X-A: é'", "x -H x",
        "x --paginate -i", "x --paginate --input -", "x --paginate -f a=b", "x --paginate -X DELETE",
        "'x?page[number]=0' --paginate", "x -o csv", "x -i --query a", "x -f _method=PUT",
        "x --dry-run -H Authorization:x", "http:evil", "/\\\\evil", "%2f%2fevil", "a/%2e%2e/b", "'a\tb'",
        "u@evil",
        "api-keys -f name=x", "api-keys -f name=x --dry-run", "/public/v1//api%2Dkeys/ -X POST",
        f"api-keys/{KEY['id']}/rotate -X POST --yes", f"api-keys/{KEY['id']}/rotate -X POST",
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_anything_is_sent(sandbox: Account, line: str) -> None:
    refused = sandbox.shell(f"api {line}", code=2)
    assert refused.out == ""
    assert refused.err.startswith("astalty: ")
    assert len(refused.err.splitlines()) <= 2
    assert not sandbox.home.database.exists()


def test_what_is_read_has_a_bound(shell: Shell) -> None:
    for line in ("api x --input /dev/zero", "api x -F a=@/dev/zero"):
        assert "more than 32 MiB" in shell(line, code=2).err
    (shell.home / "bytes").write_bytes(b"\xff")
    assert "not a text in UTF-8" in shell("api x -F a=@bytes", code=2).err


def test_a_refused_secret_names_the_command_that_keeps_it(sandbox: Account) -> None:
    assert "astalty keys create NAME" in sandbox.shell("api api-keys -f name=x", code=2).err
    told = sandbox.shell(f"api api-keys/{KEY['id']}/rotate -X POST --json", code=2).error
    assert told["hint"] == f"Use: astalty keys rotate {KEY['id']}"


def test_a_terminal_is_told_that_it_is_waited_for(sandbox: Account) -> None:
    terminal = Terminal(sandbox.shell, "api participants --input - --query data.full_name")
    terminal.expect("Reading from this terminal")
    terminal.type('{"first_name": "Jo", "last_name": "Fig"}')
    terminal.child.sendeof()
    assert "Jo Fig" in terminal.ends()


def test_nothing_is_read_for_a_call_that_is_refused(sandbox: Account) -> None:
    for line in ("api-keys --input -", "participants -F a=@- -H Host:x", "../x -F a=@-"):
        shown = Terminal(sandbox.shell, f"api {line}").ends(2)
        assert shown.startswith("astalty: ")
