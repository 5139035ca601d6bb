"""The examples of `astalty endpoints show`: what its schema asks for is in them."""

import json
import shlex
from typing import Any

import jsonschema_rs
import pytest

from tests.documents import Json, described, taking
from tests.shell import Shell

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
