"""`astalty endpoints show`: one call, with its schemas as trees, and examples."""

import pytest

from tests.support.accounts import Account
from tests.support.documents import Json, answering_with, described, offering, openapi, ref, taking
from tests.support.shell import Shell
from tests.support.terminal import Terminal

PERSON = "9ee9dc30-c869-4fb5-9871-b32850e68cad"


def lines_of(shell: Shell, document: Json, line: str = "GET x") -> list[str]:
    """The readable form, with the space between columns made one."""
    with offering(shell, document):
        out = shell(f"endpoints show {line} --refresh -o table", env={"COLUMNS": "200"}).out
    return [" ".join(each.split()) for each in out.splitlines()]


# -- which call is meant -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "GET /public/v1/participants/{participant_id}",
        "get participants/{participant_id}",
        "Get /participants/{participant}/",
        f"GET /participants/{PERSON}",
        f"GET '/public/v1/participants/{PERSON}?include=goals'",
    ],
)
def test_a_call_is_found_by_its_template_or_by_a_path_with_ids(sandbox: Account, words: str) -> None:
    shown = sandbox.shell(f"endpoints show {words} --json").json
    assert shown["operation_id"] == "showParticipant"


def test_a_path_of_words_comes_before_one_with_a_parameter(sandbox: Account) -> None:
    assert sandbox.shell("endpoints show GET api-keys/current --query operation_id").out == "currentApiKey\n"


def test_parameters_may_be_parts_of_a_segment(shell: Shell) -> None:
    document = openapi({"/reports/{year}-{month}.pdf": {"get": {"operationId": "report"}}})
    assert described(shell, document, "GET /reports/2026-11.pdf")["operation_id"] == "report"
    with offering(shell, document):
        shell("endpoints show GET /reports/.pdf --refresh", code=3)


def test_what_is_not_there_names_what_is_near(sandbox: Account) -> None:
    missing = sandbox.shell("endpoints show GET /particpants", code=3)
    assert "There is no GET /particpants" in missing.err
    assert "GET /participants" in missing.err
    assert "GET, POST" in sandbox.shell("endpoints show PUT /participants", code=3).err
    assert "endpoints list" in sandbox.shell("endpoints show GET /zzzzzzzzzz", code=3).err
    assert "'FETCH' is not one of GET" in sandbox.shell("endpoints show FETCH /participants", code=2).err


# -- what it says --------------------------------------------------------------------------------


def test_the_whole_of_a_call(sandbox: Account) -> None:
    out = sandbox.shell("endpoints show POST participants -o table").out
    for part in (
        "POST /public/v1/participants\nCreate a participant\n",
        "Parameters\n  Idempotency-Key  header  string  ",
        "Request body  application/json, required\n",
        "  first_name      string, required  1 to 100 characters\n",
        '  {\n    "first_name": "text",\n',
        "Answer 201  application/json\n  The participant.\n",
        "    created_at              string (date-time)\n",
        "Other answers\n  400",
        "To run\n  astalty api -X POST participants -f first_name=text -f last_name=text\n",
    ):
        assert part in out
    assert max(map(len, out.splitlines())) <= 80


def test_each_version_has_its_own_words_for_the_same(shell: Shell) -> None:
    old = {
        "a": {"type": "string", "nullable": True},
        "b": {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 9},
        "c": {"type": "string", "example": "Wattle", "default": "Wren"},
    }
    new = {
        "a": {"type": ["string", "null"]},
        "b": {"type": "integer", "exclusiveMinimum": 0, "maximum": 9},
        "c": {"type": "string", "examples": ["Wattle"], "default": "Wren"},
    }
    one, other = ({"type": "object", "properties": each} for each in (old, new))
    lines = lines_of(shell, answering_with(one) | {"openapi": "3.0.3"})[:-6]
    assert "a string or null" in lines
    assert "b integer Above 0. Up to 9" in lines
    assert '"c": "Wattle"' in lines
    assert lines == lines_of(shell, answering_with(other))[:-6]


def test_types_limits_and_words(shell: Shell) -> None:
    properties = {
        "size": {"type": "integer", "minimum": 1, "maximum": 100, "default": 25, "description": "Rows."},
        "page": {"type": "integer", "minimum": 1, "maximum": 2_147_483_647},
        "state": {"enum": ["active", None], "deprecated": True},
        "name": {"type": "string", "minLength": 2, "readOnly": True},
        "code": {"type": "string", "pattern": "^[A-Z]+$", "minLength": 3, "maxLength": 3},
        "kind": {"const": "person"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 9},
        "rows": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        "when": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
        "more": {"type": "object", "additionalProperties": {"type": "boolean"}},
    }
    schema = {"type": "object", "required": ["name"], "properties": properties}
    lines = lines_of(shell, taking(schema), "POST x")
    for line in (
        "size integer Rows. 1 to 100. Default 25",
        "page integer 1 or more",
        "state string or null One of active, null. Deprecated",
        "name string, required 2 or more characters. Read only",
        "code string 3 characters. As ^[A-Z]+$",
        "kind any Always person",
        "tags array of string Up to 9 items",
        "rows array of array of number",
        "when string (date-time) or null",
        "more object",
        "(any other) boolean",
    ):
        assert line in lines
    assert '"name": "text",' not in lines


def test_schemas_that_are_put_together(shell: Shell) -> None:
    base = {"properties": {"id": {"type": "string"}}, "required": ["id"]}
    parts = {"allOf": [ref("Base"), {"properties": {"name": {"type": "string"}}}], "description": "Both."}
    choice = {"oneOf": [{"properties": {"cat": {"type": "boolean"}}}, {"type": "null"}, ref("Base")]}
    schema = {
        "properties": {
            "both": parts,
            "either": choice,
            "simple": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        }
    }
    lines = lines_of(shell, answering_with(schema, {"Base": base}))
    assert lines[lines.index("both object Both.") + 1 :][:2] == ["id string", "name string"]
    assert lines[lines.index("either object or null") + 1 :][:4] == [
        "(option 1) object",
        "cat boolean",
        "(option 2) object",
        "id string",
    ]
    assert "simple string or integer" in lines


def test_a_body_that_is_no_object(shell: Shell) -> None:
    lines = lines_of(
        shell, answering_with({"type": "array", "items": {"properties": {"id": {"type": "string"}}}})
    )
    assert lines[lines.index("(all of it) array of object") + 1] == "id string"
    assert "(all of it) string" in lines_of(shell, answering_with({"type": "string"}))


def test_references_of_every_kind_are_put_in_place(shell: Shell) -> None:
    document = openapi(
        {
            "/public/v1/x/{id}": {
                "parameters": [
                    {"$ref": "#/components/parameters/Id"},
                    {"name": "v", "in": "query", "schema": {"type": "string"}},
                ],
                "put": {
                    "parameters": [{"name": "v", "in": "query", "schema": {"type": "integer"}}],
                    "requestBody": {"$ref": "#/components/requestBodies/Thing"},
                    "responses": {"200": {"$ref": "#/components/responses/Done"}},
                },
            },
            "/public/v1/y": {"$ref": "#/components/pathItems/y~1{}%7E0"},
        },
        components={
            "parameters": {
                "Id": {"name": "id", "in": "path", "required": True, "schema": ref("a/b~c%d {e}")}
            },
            "schemas": {"a/b~c%d {e}": {"type": "string", "format": "uuid"}},
            "requestBodies": {
                "Thing": {"content": {"application/json": {"schema": ref("a~1b~0c%25d%20%7Be%7D")}}}
            },
            "responses": {
                "Done": {"description": "Done.", "headers": {"A": {"$ref": "#/components/headers/A"}}}
            },
            "headers": {"A": {"description": "Of it."}},
            "pathItems": {"y/{}~": {"get": {"operationId": "getY"}}},
        },
    )
    document["components"]["parameters"]["Id"]["schema"] = ref("a~1b~0c%25d%20%7Be%7D")
    operation = described(shell, document, "PUT x/1")["operation"]
    assert [(each["name"], each["schema"]["type"]) for each in operation["parameters"]] == [
        ("id", "string"),
        ("v", "string"),
        ("v", "integer"),
    ]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["format"] == "uuid"
    assert operation["responses"]["200"]["headers"]["A"]["description"] == "Of it."
    assert "v query integer" in lines_of(shell, document, "PUT x/1")
    assert "v query string" not in lines_of(shell, document, "PUT x/1")
    assert described(shell, document, "GET y")["operation_id"] == "getY"


def test_what_is_left_alone_is_marked(shell: Shell) -> None:
    schema = {
        "properties": {
            "child": ref("Node"),
            "far": {"$ref": "https://example.com/schema.json#/Far"},
            "near": {"$ref": "other.json"},
            "gone": ref("Gone"),
            "anchor": {"$ref": "#Node"},
        }
    }
    document = answering_with(ref("Node"), {"Node": schema | {"$anchor": "Node"}})
    with offering(shell, document) as service:
        members = shell("endpoints show GET x --json").json["operation"]["responses"]["200"]["content"]
        assert len(service.calls) == 1
    marked = members["application/json"]["schema"]["properties"]
    assert marked["child"] == {**ref("Node"), "x-unresolved": "contains itself"}
    assert {marked[name]["x-unresolved"] for name in ("far", "near")} == {
        "outside of this document, and not fetched"
    }
    assert marked["gone"]["x-unresolved"] == "not in the document"
    assert marked["anchor"] == {"$ref": "#Node", "x-unresolved": "not in the document"}
    assert "child Node contains itself" in lines_of(shell, document)


def test_examples_of_the_document_win(shell: Shell) -> None:
    media = {"schema": {"type": "string"}, "examples": {"one": {"value": {"a": 1}}}}
    document = openapi({"/public/v1/x": {"post": {"requestBody": {"content": {"application/json": media}}}}})
    assert described(shell, document, "POST x")["request_example"] == {"a": 1}
    media["example"] = [True]
    assert described(shell, document, "POST x")["request_example"] == [True]


def test_on_a_terminal_it_is_the_page(sandbox: Account) -> None:
    assert "To run\n" in Terminal(sandbox.shell, "endpoints show GET api-keys/current --no-pager").ends()


def test_one_thing_in_the_other_formats(sandbox: Account) -> None:
    piped = sandbox.shell("endpoints show DELETE api-keys/{key_id}")
    rows = dict(piped.rows)
    assert (rows["method"], rows["deprecated"]) == ("DELETE", "false")
    assert piped.out == sandbox.shell("endpoints show DELETE api-keys/{key_id} -o tsv").out
    picked = sandbox.shell("endpoints show GET participants --fields operation_id,astalty").out
    assert picked == "operation_id\tlistParticipants\nastalty\tastalty api 'participants?page[size]=5'\n"
