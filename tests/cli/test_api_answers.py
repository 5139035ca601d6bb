"""`astalty api` and answers that are not quite what they should be: what is printed, and what never is."""

import json

import pytest

from tests.support.hostile import CANARY, Answer, answering, at, listing
from tests.support.shell import Shell

NEW = f"astalty_{'N3w' * 15}x"  # of the shape of a secret
HALF = rb"\ud83d"  # an emoji, cut in two


def half(thing: object) -> Answer:
    """An answer with half a character wherever the thing says HALF."""
    return ("200 OK", {}, json.dumps(thing, ensure_ascii=False).encode().replace(b"HALF", HALF))


def test_half_a_character_is_one_mark_and_the_rest_is_as_ever(shell: Shell) -> None:
    thing = {"n": "cut HALF", "c": "\x9b31m \u202e", "p": "##[x]"}
    with answering(half(thing)) as (_, url):
        out = shell("api x", env=at(url)).out
        assert shell("api x --query n", env=at(url)).out == "cut \ufffd\n"
        lines = shell("api x -o jsonl", env=at(url)).out
    for text in (out, lines):
        assert json.loads(text) == {**thing, "n": "cut \ufffd"}
        assert text.isascii()
        assert text.endswith("}\n")
        assert "##[" not in text


def test_half_a_character_lets_no_secret_through(shell: Shell) -> None:
    key = {"id": "1", "name": "cut HALF", "secret": "17|of some other shape"}
    for line, code in [("-X PUT", 7), ("", 0)]:
        with answering(half({"data": key})) as (_, url):
            out = shell(f"api x {line}", env=at(url), code=code).out
        assert json.loads(out)["data"] == {"id": "1", "name": "cut \ufffd", "secret": "[secret]"}
    with answering(("422 No", {}, half({"message": "No.", "data": key})[2])) as (_, url):
        out = shell("api x -i", env=at(url), code=5).out
    assert "some other" not in out
    assert '"secret":"[secret]"' in out


@pytest.mark.parametrize(
    "answer", [("204 No Content", {}, b""), ("200 OK", {}, b" \n")], ids=["204", "blank"]
)
@pytest.mark.parametrize("flags", ["", "--query a", "--json", "-o jsonl"])
def test_an_answer_without_a_body_prints_nothing(shell: Shell, answer: Answer, flags: str) -> None:
    with answering(answer) as (_, url):
        assert shell(f"api x -X DELETE {flags}", env=at(url)).out == ""


@pytest.mark.parametrize("flags", ["--query a", "--json", "-o jsonl"])
def test_a_wish_for_json_of_what_is_none_is_refused(shell: Shell, flags: str) -> None:
    with answering(("200 OK", {}, b"<h1>Docs</h1>")) as (_, url):
        assert shell("api /docs/x", env=at(url)).out == "<h1>Docs</h1>"
        refused = shell(f"api /docs/x {flags}", env=at(url), code=6)
    assert refused.out == ""
    assert "not JSON" in refused.err


def test_what_is_said_of_a_list_begins_a_line_of_its_own(shell: Shell) -> None:
    first = listing({"k": NEW}).replace(b'"last_page": 1', b'"last_page": 2')
    second = first.replace(b'"current_page": 1', b'"current_page": 9')
    with answering(("200 OK", {}, first), ("200 OK", {}, second)) as (_, url):
        cut = shell("api x --paginate", env=at(url), code=6)
    assert cut.out.endswith('{"k":"[secret]"}\n')
    assert "Page 2" in cut.err


@pytest.mark.parametrize(
    "given", ["x -f secret=KEY", "x -H 'X-Api-Key: KEY'", "x/KEY", "'x?token=KEY'", "x -f 'a[b]=see KEY'"]
)
@pytest.mark.parametrize("flags", ["--dry-run", "--dry-run --json", "--dry-run --query [].url", "-v"])
@pytest.mark.parametrize("key", [CANARY, "12|abcdefghijABCDEFGHIJ"], ids=["plain", "with a bar"])
def test_the_own_key_is_shown_nowhere_wherever_it_was_typed(
    shell: Shell, given: str, flags: str, key: str
) -> None:
    with answering(("200 OK", {}, b"{}")) as (_, url):
        env = {**at(url), "ASTALTY_API_KEY": key}
        typed = given if "'" in given else given.replace("KEY", "'KEY'")
        shown = shell(f"api {typed} {flags}".replace("KEY", key), env=env)
    assert key[4:] not in shown.out + shown.err
    if flags.endswith(("--dry-run", "--json")):
        assert "[secret]" in shown.out


def test_a_key_too_short_to_be_one_spoils_no_dry_run(shell: Shell) -> None:
    env = {**at("http://127.0.0.1:1"), "ASTALTY_API_KEY": "e"}
    assert shell("api x -f name=e --dry-run --json", env=env).json[0]["body"] == {"name": "e"}


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("/public/v10/x", "/public/v1/public/v10/x"),
        ("public/v1x", "/public/v1/public/v1x"),
        ("/public/v1?a=b", "/public/v1"),
    ],
)
def test_where_a_path_leads(shell: Shell, typed: str, path: str) -> None:
    with answering(("200 OK", {}, b"{}")) as (app, url):
        shell(f"api '{typed}'", env=at(url))
    assert app.calls == [("GET", path)]


@pytest.mark.parametrize(
    "line", ["-X POST --input -", "-X POST --input form", "-X POST -f _method=DELETE", "'x?_method=DELETE'"]
)
def test_no_other_method_is_slipped_in(shell: Shell, line: str) -> None:
    (shell.home / "form").write_text("a=b&_method=DELETE")
    with answering(("200 OK", {}, b"{}")) as (app, url):
        path = "" if line.startswith("'") else "x "
        refused = shell(f"api {path}{line}", stdin='{"_method": "DELETE"}', env=at(url), code=2)
    assert "change the method" in refused.err
    assert app.calls == []


def test_a_file_that_is_not_there_is_named_even_without_a_name(shell: Shell) -> None:
    refused = shell("api x -F a=@", env=at("http://127.0.0.1:1"), code=2)
    assert "'' cannot be read" in refused.err
