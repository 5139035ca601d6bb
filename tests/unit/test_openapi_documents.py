"""Whatever a service calls its OpenAPI document: what is shown of it is bounded, and nothing breaks."""

import io
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astalty_cli.output import human_catalogue, human_operation, machine
from astalty_cli.output.streams import Streams
from astalty_cli.services.endpoints.description import describe
from astalty_cli.services.endpoints.documents import NotOpenApiError, ensure_openapi
from astalty_cli.services.endpoints.operations import find, operations
from tests.support.documents import Json, answering_with, openapi, ref


def shown(document: Json) -> str:
    """All that the commands print of a document, in both forms."""
    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO(), {})
    found = operations(document)
    printed = list(human_catalogue.catalogue(map(msgspec.json.encode, found), streams))
    for operation in found:
        meant = find(found, operation.method, operation.path)
        assert meant.method == operation.method
        row = msgspec.json.encode(describe(document, meant, meant.path, "http://127.0.0.1:1", {}))
        printed += [machine.compact(row), human_operation.operation(row, streams)]
    return "".join(printed)


SCHEMA_WORDS = (
    "type format enum const default example examples pattern minimum maximum exclusiveMinimum "
    "minLength maxItems nullable required properties items additionalProperties allOf oneOf anyOf "
    "description title readOnly "
)
WRONG: list[Any] = [
    7,
    1.5,
    None,
    True,
    "x",
    "",
    [],
    [1],
    [None],
    {},
    {"a": 1},
    {"$ref": 7},
    {"$ref": "#/paths"},
]


def misshapen(wrong: Any) -> Iterator[Json]:
    """Documents with a value where another kind belongs: one for each place."""
    for name in ("tags", "servers", "security", "components", "info"):
        yield openapi({"/x": {"get": {}}}) | {name: wrong}
    yield openapi(
        {"/x": {"get": {"responses": {}}, "parameters": wrong, "summary": wrong}, "/y": wrong, "z": wrong}
    )
    for name in (
        "tags",
        "summary",
        "description",
        "operationId",
        "deprecated",
        "parameters",
        "requestBody",
        "responses",
    ):
        yield openapi({"/x": {"get": {name: wrong}}})
    for name in ("name", "in", "required", "schema", "content", "description"):
        yield answering_with({}, parameters=[{"name": "p", "in": "query", "required": True} | {name: wrong}])
    yield openapi(
        {"/x": {"get": {"requestBody": {"content": wrong}, "responses": {"200": {"content": {"a": wrong}}}}}}
    )
    yield answering_with(wrong)
    for word in SCHEMA_WORDS.split():
        yield answering_with({"type": "object", word: wrong, "properties": {"p": {word: wrong}}})


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_value_of_the_wrong_kind_costs_no_more_than_itself(wrong: Any) -> None:
    for document in misshapen(wrong):
        text = shown(document)
        assert "GET     " in text
        assert '"path":' in text
        assert len(text) < 20_000


WORDS = (
    "openapi paths components schemas tags servers url parameters name in requestBody responses "
    "content schema example value summary operationId $ref get post application/json 200 default "
    "object array string integer null query header path page[size] A B C /public/v1/x "
    "/public/v1/x/{id} "
) + SCHEMA_WORDS
REFERENCES = [
    "#",
    "#/",
    "#/paths",
    *(ref(name)["$ref"] for name in "ABC"),
    "other.json#/A",
    "#/components/~2/%zz",
]
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.sampled_from([*WORDS.split(), *REFERENCES]) | st.text(st.characters(codec="utf-8"), max_size=8)
REFERRING = st.sampled_from(REFERENCES).map(lambda reference: {"$ref": reference})
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | REFERRING,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=6),
    max_leaves=40,
)
SCHEMA = st.recursive(
    ANYTHING | REFERRING,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "string", "integer", ["string", "null"]]) | ANYTHING,
            "properties": st.dictionaries(TEXTS, inner, max_size=4),
            "items": inner,
            "allOf": st.lists(inner, max_size=3),
            "oneOf": st.lists(inner, max_size=3),
            "anyOf": st.lists(inner, max_size=3),
            "additionalProperties": inner,
            "required": ANYTHING,
            "enum": ANYTHING,
        },
    ),
    max_leaves=12,
)
DOCUMENT = st.builds(
    lambda first, others, extra, more: (
        answering_with(first, dict(zip("ABC", others, strict=True)), **extra) | more
    ),
    SCHEMA,
    st.tuples(SCHEMA, SCHEMA, SCHEMA),
    st.dictionaries(st.sampled_from(["parameters", "requestBody", "tags", "summary", "security"]), ANYTHING),
    st.dictionaries(st.sampled_from(["tags", "servers", "security"]), ANYTHING),
)
MANY = settings(
    max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@MANY
@given(ANYTHING | DOCUMENT | st.dictionaries(TEXTS, ANYTHING).map(openapi))
def test_no_document_breaks_anything_or_prints_without_end(document: Any) -> None:
    document = msgspec.json.decode(msgspec.json.encode(document))
    if not isinstance(document, dict):
        return
    try:
        ensure_openapi(document)
    except NotOpenApiError:
        return
    assert len(shown(document)) < 5_000_000
