"""`--query`: an expression that cannot work is refused before a call, one that fails on the data says so."""

import shlex

import pytest

from tests.support.accounts import Account
from tests.support.hostile import answering, at
from tests.support.shell import Shell

NEVER_WORKS = [
    ("[::0]", "slice step"),
    ("[?a[::0]]", "slice step"),
    ("&name", "an expression and no value"),
    ("[&name]", "an expression and no value"),
    ("ceil(`1e400`)", "infinity"),
    ("[?ceil(`1e400`) > `1`]", "infinity"),
    ("`1e400`", "Out of range"),
    ("nonsense(@)", "nonsense"),
    ("[?nonsense(name)]", "nonsense"),
    ("items[?length(a, b) > `1`].id", "length"),
    ("(" * 3000 + "a" + ")" * 3000, "nested too deeply"),
    ("!" * 3000 + "a", "nested too deeply"),
    ("a[", "Incomplete"),
    ("a.`1`", "Expecting"),
    ("", ""),
]


@pytest.mark.parametrize(("expression", "says"), NEVER_WORKS, ids=lambda each: each[:24])
def test_what_never_works_is_refused_before_the_call(sandbox: Account, expression: str, says: str) -> None:
    shell = sandbox.shell
    shell("keys create ci --to file:out")
    refused = shell(f"keys rename ci other --query {shlex.quote(expression)}", code=2)
    assert refused.out == ""
    assert "--query: " in refused.err
    assert says in refused.err
    assert "This is a bug" not in refused.err
    assert shell("keys show ci --query name").out == "ci\n"


@pytest.mark.parametrize("line", ["keys list", "history list", "api api-keys", "keys audit", "doctor"])
def test_what_never_works_sends_nothing(shell: Shell, line: str) -> None:
    with answering(("200 OK", {}, b"{}")) as (server, url):
        shell(f"{line} --query '[::0]'", env=at(url), code=2)
        shell(f"{line} --query '&name'", env=at(url), code=2)
        assert server.calls == []


@pytest.mark.parametrize("expression", ["[?rotation > '0']", "[?name > `1`]", "[?created_by.name < `2`]"])
def test_types_that_cannot_be_compared_are_known_from_the_fields(shell: Shell, expression: str) -> None:
    with answering(("200 OK", {}, b"{}")) as (server, url):
        refused = shell(f"keys list --query {shlex.quote(expression)}", env=at(url), code=2)
        assert "not supported between" in refused.err
        assert server.calls == []


@pytest.mark.parametrize(
    "expression",
    [
        "[?created_at > '2020'].name",
        "[?contains('sandbox cli,ci', name)]",
        "[?rotation > `0` || last_used_at == null]",
        "length(@)",
        "sort_by(@, &created_at)[0].id",
        "[?starts_with(name, 's')] | [0].created_by.name",
        "[::-1]",
        "max_by(@, &rotation).name",
        "[].{id: id, by: created_by.email}",
    ],
)
def test_what_works_is_let_through(sandbox: Account, expression: str) -> None:
    sandbox.shell(f"keys list --json --query {shlex.quote(expression)}")


def test_a_failure_on_the_data_is_none_of_the_call(sandbox: Account) -> None:
    shell = sandbox.shell
    shell("keys create ci --to file:out")
    failed = shell("keys rename ci other --query 'length(rotation)'", code=2)
    assert "length() takes string or array or object, not number" in failed.err
    assert "The call itself succeeded" in failed.err
    assert shell("keys show other --query name").out == "other\n"


@pytest.mark.parametrize(
    ("body", "expression"),
    [
        (b'[{"a": 1}]', "[?a > 'x']"),
        (b'[{"a": null}]', "[?contains('GET', a)]"),
        (b'{"a": "1e999"}', "to_number(a)"),
        (b'{"a": [1, "x"]}', "sort(a)"),
        (b'{"a": "some private text"}', "sum(a)"),
    ],
    ids=["mixed", "null", "infinite", "sort", "type"],
)
def test_any_exception_on_the_data_is_the_expression_s(shell: Shell, body: bytes, expression: str) -> None:
    with answering(("200 OK", {}, body)) as (_, url):
        failed = shell(f"api x --query {shlex.quote(expression)}", env=at(url), code=2)
    assert "--query: " in failed.err
    assert "private text" not in failed.err
    assert failed.out == ""
