"""Fields of `astalty api`: what they become as JSON and in a query string."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astalty_cli.base.errors import UsageError
from astalty_cli.services.requests.fields import MAX_DEPTH, NoElements, RequestField, nested, pairs, parse


def body(*texts: str, typed: bool = True) -> dict[str, Any]:
    return nested(parse(text, typed=typed) for text in texts)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a=1", "b=-7", "c=0"], {"a": 1, "b": -7, "c": 0}),
        (["a=true", "b=false", "c=null"], {"a": True, "b": False, "c": None}),
        (["a=", "b=x=y", "c=True", "d=1.5"], {"a": "", "b": "x=y", "c": "True", "d": "1.5"}),
        (["phone=0412345678", "long=12345678901234567890", "most=9223372036854775807"],
         {"phone": "0412345678", "long": "12345678901234567890",
          "most": 9223372036854775807}),
        (["a[b]=1", "a[c][d]=2", "a[c][e]=3"], {"a": {"b": 1, "c": {"d": 2, "e": 3}}}),
        (["a[]=1", "a[]=x"], {"a": [1, "x"]}),
        (["a[]"], {"a": []}),
        (["a[]", "a[]=1"], {"a": [1]}),
        (["a[b][]=1", "a[b][]=2"], {"a": {"b": [1, 2]}}),
        (["a[][b]=1", "a[][c]=2", "a[][b]=3"], {"a": [{"b": 1, "c": 2}, {"b": 3}]}),
        (["a[][t][]=1", "a[][t][]=2", "a[][n]=x", "a[][n]=y"], {"a": [{"t": [1, 2], "n": "x"}, {"n": "y"}]}),
        (["a[][b][c]=1", "a[][b][d]=2", "a[][b][c]=3"], {"a": [{"b": {"c": 1, "d": 2}}, {"b": {"c": 3}}]}),
        (["a b[é]=ü"], {"a b": {"é": "ü"}}),
    ],
)  # fmt: skip
def test_fields_become_json(texts: list[str], expected: dict[str, Any]) -> None:
    assert body(*texts) == expected


def test_raw_fields_are_texts() -> None:
    raw = body("a=1", "b=true", "c=null", "d=@file", typed=False)
    assert raw == {"a": "1", "b": "true", "c": "null", "d": "@file"}


def test_a_value_may_come_from_a_file() -> None:
    field = parse("a=@notes.txt", typed=True)
    assert field.file == "notes.txt"
    assert nested([field.holding("1")]) == {"a": "1"}


@pytest.mark.parametrize("text", ["", "=", "=x", "a", "a[b]"])
def test_what_is_no_field_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a field"):
        parse(text, typed=True)


@pytest.mark.parametrize(
    "key", ["a[", "a]", "]", "[", "[]", "[a]", "a[b", "a[b]c", "a[[b]]", "a[b]]", "a[][]"]
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(UsageError):
        body(f"{key}=1")


@pytest.mark.parametrize(
    "texts",
    [
        ["a=1", "a=2"],
        ["a=1", "a[b]=2"],
        ["a[b]=2", "a=1"],
        ["a[]=1", "a[b]=2"],
        ["a[b]=1", "a[]=2"],
        ["a[][b]=1", "a[][b][c]=2"],
    ],
)
def test_fields_that_contradict_each_other_are_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError, match=r"contradict"):
        body(*texts)


def test_depth_is_bounded() -> None:
    assert body("a" + "[b]" * (MAX_DEPTH - 1) + "=1")
    with pytest.raises(UsageError, match="deep"):
        body("a" + "[b]" * MAX_DEPTH + "=1")
    with pytest.raises(UsageError, match="deep"):
        body("a" + "[b]" * 200_000 + "=1")


def test_in_a_query_string_keys_stay_as_they_are() -> None:
    texts = ["filter[status]=active", "page[size]=5", "a[=1", "t[]=true", "t[]=null", "n=7"]
    assert pairs(parse(text, typed=True) for text in texts) == [
        ("filter[status]", "active"),
        ("page[size]", "5"),
        ("a[", "1"),
        ("t[]", "true"),
        ("t[]", ""),
        ("n", "7"),
    ]
    with pytest.raises(UsageError, match="needs a value"):
        pairs([parse("a[]", typed=False)])


KEYS = st.text("ab[]=é ", max_size=12)
TEXTS = st.builds("{}={}".format, KEYS, st.text(max_size=5)) | KEYS


@given(st.lists(TEXTS, max_size=6), st.booleans())
def test_anything_is_json_or_one_clear_error(texts: list[str], typed: bool) -> None:
    try:
        fields = [parse(text, typed=typed) for text in texts]
        made = nested(fields)
    except UsageError:
        return
    assert leaves(made) == sum(not isinstance(field.value, NoElements) for field in fields)


def leaves(made: Any) -> int:
    """Each field is one leaf: none is lost under another."""
    if isinstance(made, dict):
        return sum(map(leaves, made.values()))
    return sum(map(leaves, made)) if isinstance(made, list) else 1


@given(st.text("ab[]", min_size=1, max_size=10), st.text(max_size=5))
def test_a_text_goes_into_a_query_string_unchanged(key: str, value: str) -> None:
    assert pairs([RequestField(key, value)]) == [(key, value)]
