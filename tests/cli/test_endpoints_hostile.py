"""A catalogue that is broken, or written by an enemy: a clear line or the readable rest, never more."""

import codecs
import json
import shlex
import subprocess
from typing import Any

import pytest

from tests.support.documents import Json, answering_with, offering, openapi, ref, taking
from tests.support.shell import Shell
from tests.support.terminal import Terminal

ESCAPES = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\r\u202e[/red][bold]\n::add-mask::x"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "is empty"),
        (b'{"openapi": "3.1.0", "paths": {', "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b'{"openapi": "3.1.0", "paths": ' + b'{"a":' * 100_000, "is not valid JSON"),
        (rb'{"openapi": "3.1.0", "info": "\ud800", "paths": ' + b"[" * 100_000, "is not valid JSON"),
        (b'{"openapi": "3.1.0", "x": 1e999}', "out of range"),
        (b'{"openapi": "3.1.0", "paths": {"/\xff": {}}}', "is not valid JSON"),
        (b"\x00\x01\x02", "is neither JSON nor usable YAML"),
        (b"\xff\xfe", "is not text in UTF-8"),
        ([1, 2], "is not an OpenAPI 3 document"),
        ("3.1.0", "is not an OpenAPI 3 document"),
        (None, "is not an OpenAPI 3 document"),
        ({}, "is not an OpenAPI 3 document"),
        ({"swagger": "2.0", "paths": {}}, "is a Swagger 2 document"),
        (b"swagger: 2.0\npaths: {}\n", "is a Swagger 2 document"),
        ({"info": {"_postman_id": "x"}, "item": []}, "is a Postman collection"),
        ({"info": {"schema": "https://schema.getpostman.com/json/x"}}, "is a Postman collection"),
        ({"info": {}, "item": [{"name": "x"}]}, "is a Postman collection"),
        ({"openapi": "4.0.0", "paths": {}}, "is OpenAPI 4.0.0, and only 3.0 and 3.1"),
        ({"openapi": 3.1, "paths": {}}, "is not an OpenAPI 3 document"),
        ({"openapi": "3.1.0", "paths": 7}, "paths are not an object"),
        (b'{"openapi": "3.1.0", "x": "' + b"x" * (16 << 20) + b'"}', "larger than 16 MiB"),
    ],
)
def test_what_is_no_catalogue_is_a_clear_line(shell: Shell, document: Any, said: str) -> None:
    with offering(shell, document):
        refused = shell("endpoints list", code=6)
    assert said in " ".join(refused.err.split())
    assert len(refused.err) < 400


def test_a_byte_order_mark_is_read_over(shell: Shell) -> None:
    document = json.dumps(openapi({"/x": {"get": {}}})).encode("utf-8-sig")
    with offering(shell, document, codecs.BOM_UTF8 + b"openapi: 3.1.0\npaths: {/y: {get: {}}}"):
        assert shell("endpoints list --query [].path").out == "/x\n"
        assert shell("endpoints list --query [].path --refresh").out == "/y\n"


def test_half_a_character_spoils_nothing_else(shell: Shell) -> None:
    document = json.dumps(openapi({"/x": {"get": {"summary": "SPOILT"}}})).replace("SPOILT", r"\ud800!")
    with offering(shell, document.encode()):
        assert shell("endpoints list").rows == [["", "GET", "/x", "\ufffd!"]]
        assert shell("endpoints list").rows == [["", "GET", "/x", "\ufffd!"]]  # from the copy


@pytest.mark.parametrize(
    "bomb",
    [
        {"properties": {"a": "NEXT", "b": "NEXT"}},
        {"allOf": ["NEXT", "NEXT"]},
        {"oneOf": ["NEXT", "NEXT"]},
        {"type": "array", "items": "NEXT", "anyOf": ["NEXT", "NEXT"]},
        {"additionalProperties": "NEXT", "properties": {"a": "NEXT"}},
    ],
    ids="+".join,
)
def test_what_doubles_at_each_reference_is_cut(shell: Shell, bomb: Json) -> None:
    def level(number: int) -> Any:
        return json.loads(json.dumps(bomb).replace('"NEXT"', json.dumps(ref(f"S{number + 1}"))))

    with offering(shell, answering_with(ref("S0"), {f"S{number}": level(number) for number in range(30)})):
        row = shell("endpoints show GET x --json").out
        text = shell("endpoints show GET x -o table").out
    assert '"x-unresolved":"too large"' in row
    assert len(row) < 2_000_000
    assert len(text) < 1_000_000


def test_a_reference_to_everything_is_cut(shell: Shell) -> None:
    document = answering_with({"properties": {str(n): {"$ref": "#"} for n in range(1000)}})
    with offering(shell, document):
        row = shell("endpoints show GET x --json").out
    assert '"x-unresolved":"' in row
    assert len(row) < 2_000_000


def test_long_texts_are_cut_for_people_and_bounded_for_machines(shell: Shell) -> None:
    document = answering_with(
        {"type": "string", "description": "a b " * 500_000}, description="c d " * 500_000
    )
    with offering(shell, document):
        for line, text, most in (
            ("list -o table", "c d c d", 100),
            ("show GET x -o table", "c d c d", 20_000),
            ("show GET x --fields operation,description", "a b a b", 2_000_000),
        ):
            out = shell(f"endpoints {line}").out
            assert text in out
            assert len(out) < most


def test_deep_schemas_say_that_they_go_deeper(shell: Shell) -> None:
    deep: Json = {"type": "string"}
    for _ in range(60):
        deep = {"type": "object", "properties": {"in": deep}}
    with offering(shell, answering_with(deep)):
        assert "It goes deeper: --json has it." in shell("endpoints show GET x -o table").out
        assert "nested too deeply" in shell("endpoints show GET x --json").out


def test_what_is_as_deep_as_is_shown_says_nothing_of_more(shell: Shell) -> None:
    deep: Json = {"type": "string"}
    for _ in range(12):
        deep = {"type": "object", "properties": {"in": deep}}
    with offering(shell, answering_with(deep)):
        out = shell("endpoints show GET x -o table").out
    assert "in  string" in out
    assert "It goes deeper" not in out


def test_wide_schemas_say_that_there_is_more(shell: Shell) -> None:
    wide = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(2000)}}
    with offering(shell, taking(wide)):
        out = shell("endpoints show POST x -o table").out
    assert "p399 " in out
    assert "There is more: --json has it." in out


def test_a_hundred_thousand_calls(shell: Shell) -> None:
    paths = {f"/p{number}/{{id}}": {"get": {"tags": ["T"]}} for number in range(100_000)}
    with offering(shell, openapi(paths)):
        assert len(shell("endpoints list").rows) == 100_000
        assert shell("endpoints show GET p99999/7 --query path").out == "/p99999/{id}\n"
        assert "There is no GET /q/1" in shell("endpoints show GET /q/1", code=3).err


def drawn(text: str) -> Json:
    """A document with this text wherever one can be."""
    schema = {
        "type": text,
        "format": text,
        "enum": [text],
        "pattern": text,
        "description": text,
        "default": text,
    }
    spec = {
        "tags": [text],
        "summary": text,
        "description": text,
        "operationId": text,
        "parameters": [{"name": text, "in": text, "description": text, "schema": schema}],
        "requestBody": {
            "description": text,
            "content": {"application/json": {"schema": {"properties": {text: schema}}}},
        },
        "responses": {
            "200": {"description": text, "content": {text: {"example": text}}},
            text: {"description": text},
        },
    }
    return openapi({f"/public/v1/x{text}": {"post": spec}}, tags=[{"name": text}])


@pytest.mark.parametrize(
    "line", ["endpoints list", "endpoints list -o table", "SHOW", "SHOW -o table", "SHOW --json"]
)
def test_no_text_of_it_drives_a_terminal_or_a_runner(shell: Shell, line: str) -> None:
    path = f"/x{ESCAPES}"
    with offering(shell, drawn(ESCAPES)):
        words = line.replace("SHOW", f"endpoints show POST '{path}'")
        out = shell(words, env={"GITHUB_ACTIONS": "true"}).out
    assert not set(out) & set("\x1b\x07\x9b\r\u202e")
    assert not any(each.lstrip().startswith("::") for each in out.splitlines())
    assert "[bold]" in out


def test_on_a_terminal_only_colours_of_our_own(shell: Shell) -> None:
    with offering(shell, drawn("\x1b[41m\x1b]0;title\x07")):
        terminal = Terminal(shell, "endpoints list")
        assert r"\x1b[41m" in terminal.ends()
        assert "\x1b[41m" not in terminal.raw
        assert "\x1b]" not in terminal.raw


def test_lines_to_run_are_inert_words(shell: Shell) -> None:
    evil = "$(touch pwned)`touch pwned`;'\"&|>pwned"
    schema = {"required": ["a"], "properties": {"a": {"type": "string", "default": evil}}}
    header = {"name": "X-A", "in": "header", "required": True, "schema": {"default": evil}}
    query = {"name": evil, "in": "query", "required": True, "schema": {"default": evil}}
    document = taking(schema, f"/public/v1/{evil}/{{id}}", parameters=[header, query])
    with offering(shell, document):
        path = shlex.quote(f"/{evil}/{{id}}")
        shown = shell(f"endpoints show POST {path} --json").json
    for line in (shown["astalty"], shown["curl"]):
        stubs = "astalty() { :; }; curl() { :; };"
        subprocess.run(["bash", "-c", f"{stubs} {line}"], cwd=shell.home, check=True, timeout=30)
        assert not (shell.home / "pwned").exists()
