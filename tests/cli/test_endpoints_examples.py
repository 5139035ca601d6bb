"""The examples of `astalty endpoints show`: what its schema asks for is in them."""

import json
import shlex
from typing import Any

import jsonschema_rs
import pytest

from tests.support.documents import Json, described, taking
from tests.support.shell import Shell

NAME: Json = {"required": ["name"], "properties": {"name": {"type": "string"}}}
X: Json = {"required": ["x"], "properties": {"x": {"type": "integer"}}}
Y: Json = {"required": ["y"], "properties": {"y": {"type": "integer"}}}
Z: Json = {"required": ["z"], "properties": {"z": {"type": "integer"}}}
EMAIL: Json = {"type": "object", "properties": {"email": {"type": "string"}, **NAME["properties"]}}


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"type": "object", **NAME, "oneOf": [X, Y]}, {"name": "text", "x": 1}),
        ({**NAME, "oneOf": [{"type": "null"}, X]}, {"name": "text", "x": 1}),
        ({**NAME, "oneOf": [X, Y], "anyOf": [Z, Y]}, {"name": "text", "x": 1, "z": 1}),
        ({"oneOf": [{"anyOf": [X, Y], **NAME}, Z]}, {"name": "text", "x": 1}),
        ({"allOf": [{"oneOf": [X, Y]}, {"oneOf": [Z, NAME]}]}, {"x": 1, "z": 1}),
        ({"allOf": [{"oneOf": [X, Y]}], "oneOf": [Z, NAME]}, {"x": 1, "z": 1}),
        (EMAIL | {"anyOf": [{"required": ["name"]}, {"required": ["email"]}]}, {"name": "text"}),
        (
            {"properties": {"x": {"type": "integer"}}, "oneOf": [{"properties": {"x": {"const": 2}}}]},
            {"x": 2},
        ),
        ({"oneOf": [{"items": {"type": "integer"}}, {"type": "object"}]}, [1]),
    ],
)
def test_what_has_to_be_sent_is_in_the_example_and_in_the_lines(
    shell: Shell, schema: Json, example: Any
) -> None:
    shown = described(shell, taking(schema), "POST x")
    jsonschema_rs.validator_for(schema).validate(shown["request_example"])
    words = shlex.split(shown["curl"])
    assert "Content-Type: application/json" in words
    assert json.loads(words[-1]) == example


def test_an_example_of_a_part_of_the_schema_is_made_whole(shell: Shell) -> None:
    shown = described(shell, taking({**NAME, "oneOf": [X | {"example": {"x": 7, "more": True}}]}), "POST x")
    assert shown["request_example"] == {"x": 7, "more": True, "name": "text"}


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"type": "string", "minLength": 10, "maxLength": 12}, "texttextte"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "minLength": 10**9}, "text"),
        ({"type": "array", "minItems": 2, "items": {"type": "boolean"}}, [True, True]),
        ({"type": "array", "minItems": 10**9, "items": {"type": "boolean"}}, [True]),
        ({"type": "integer", "minimum": 7}, 7),
        ({"type": "integer", "maximum": -7}, -7),
        ({"type": "integer", "exclusiveMinimum": 100}, 101),
        ({"type": "integer", "exclusiveMaximum": 0}, -1),
        ({"type": "integer", "minimum": 100, "exclusiveMinimum": True}, 101),
        ({"type": "integer", "maximum": 0, "exclusiveMaximum": True}, -1),
        ({"type": "integer", "minimum": 7, "exclusiveMinimum": False}, 7),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "number", "exclusiveMinimum": 10**400}, 1.5),
    ],
)
def test_examples_are_within_their_limits(shell: Shell, schema: Json, example: Any) -> None:
    assert described(shell, taking(schema), "POST x")["request_example"] == example


def test_a_member_that_a_part_of_the_schema_makes_read_only_is_not_sent(shell: Shell) -> None:
    base = {"properties": {"id": {"type": "string", "readOnly": True}, "name": {"type": "string"}}}
    schema = {"allOf": [base, {"properties": {"id": {"minLength": 2}}}]}
    assert described(shell, taking(schema), "POST x")["request_example"] == {"name": "text"}


def test_arrays_in_arrays_do_not_multiply(shell: Shell) -> None:
    schema: Json = {"type": "boolean"}
    for _ in range(30):
        schema = {"type": "array", "minItems": 10, "items": schema}
    assert len(json.dumps(described(shell, taking(schema), "POST x")["request_example"])) < 2_000
