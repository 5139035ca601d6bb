"""YAML from outside: what it means, and that no document costs more than it weighs."""

import contextlib
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astalty_cli.services.endpoints.documents import NotOpenApiError, parse
from astalty_cli.services.endpoints.yaml_reader import MAX_TEXT, YamlError, load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", {"a": 1}),
        ("- a\n- [b, {c: d}]\n- - e", ["a", ["b", {"c": "d"}], ["e"]]),
        ("no", "no"),
        ("{a: no, b: off, c: yes, d: y, e: On}", {"a": "no", "b": "off", "c": "yes", "d": "y", "e": "On"}),
        ("[true, False, NULL, ~, ]", [True, False, None, None]),
        ("a:", {"a": None}),
        ("{200: a, no: b, true: c, ~: d}", {"200": "a", "no": "b", "true": "c", "~": "d"}),
        ("[2026-11-29, 2026-11-29T05:33:52Z]", ["2026-11-29", "2026-11-29T05:33:52Z"]),
        ("[12:30:45, 3.1.0]", ["12:30:45", "3.1.0"]),
        ("[0, -7, 1.5, 1e3]", [0, -7, 1.5, 1000.0]),
        ("[1_000, 0x1f, 010, 0412345678]", ["1_000", "0x1f", "010", "0412345678"]),
        ("[.inf, .nan]", [".inf", ".nan"]),
        ("[9999999999999999999, 1e999, " + "9" * 5000 + "]", [1e19, "1e999", "9" * 5000]),
        ("['1', \"true\", 'null']", ["1", "true", "null"]),
        ("a: |\n  one\n  two\nb: >\n  one\n  two", {"a": "one\ntwo\n", "b": "one two"}),
        ("# only a comment", None),
        ("a: &x {b: 1}\nc: *x\nd: [*x]", {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}]}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
        ("&k a: 1\nb: *k", {"a": 1, "b": "a"}),
        ("a: &x {b: 1, c: 2}\nd: {c: 3, <<: *x}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("<<: [{a: 1}, {a: 2, b: 3}]", {"a": 1, "b": 3}),
        ("<<: 1", {"<<": 1}),
        ("!!python/object/apply:os.system ['touch pwned']", ["touch pwned"]),
        ("a: !!str 1\nb: !x 2\nc: !!binary aGk=", {"a": "1", "b": "2", "c": "aGk="}),
        ("--- a", "a"),
    ],
)  # fmt: skip
def test_what_it_means(text: str, value: Any) -> None:
    assert load(text) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3", "the key 'a' is there twice"),
        ("{200: a, '200': b}", "the key '200' is there twice"),
        ("? [a]\n: b", "is the key of an object"),
        ("? {a: b}\n: c", "is the key of an object"),
        ("a: &x b\n*x : c", "an alias is the key"),
        ("*x", "*x stands for nothing"),
        ("&x [*x]", "*x stands for nothing, or for what it is in"),
        ("&x {a: *x}", "*x stands for nothing, or for what it is in"),
        ("--- a\n--- b", "several documents"),
        ("a: b: c", "line 1: "),
        ("a:\n\t- b", "line 2: "),
        ("a: 'b", "line "),
        ("\x00", "control characters"),
        ("'\\ud800", "line "),
        ("[" * 100_000, "nested too deeply"),
        ("{a: " * 100_000, "nested too deeply"),
        ("- " * 100_000, "nested too deeply"),
        ("? " * 100_000, "is the key of an object"),
        ("x" * (MAX_TEXT + 1), "larger than 4 MiB"),
        ("x: [" + "a," * 2_000_000 + "]", "stands for more than can be read"),
    ],
)
def test_what_is_refused(text: str, says: str) -> None:
    with pytest.raises(YamlError) as error:
        load(text)
    assert says in str(error.value)


def levels(kind: str) -> str:
    """Each level stands for ten of the one before: 10 ** 30 in all."""
    lines = [f"a0: &a0 {'lol' if kind == 'text' else '[lol]'}"]
    for number in range(1, 31):
        names = [f"*a{number - 1}"] * 10
        each = ", ".join(names)
        inner = f"{{{', '.join(f'k{place}: {name}' for place, name in enumerate(names))}}}"
        lines.append(f"a{number}: &a{number} {inner if kind == 'objects' else f'[{each}]'}")
    return "\n".join(lines)


MERGES = "a0: &a0 {k0: 0}\n" + "\n".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}], k{n}: 0}}" for n in range(1, 31)
)
DEEP = "a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} {'[' * 9}*a{n - 1}{']' * 9}" for n in range(1, 1000))
LONG = "a: &a '" + "x" * 1_000_000 + "'\nb: [" + ", ".join(["*a"] * 1000) + "]"


@pytest.mark.parametrize(
    ("bomb", "says"),
    [
        (levels("text"), "stands for more than can be read"),
        (levels("lists"), "stands for more than can be read"),
        (levels("objects"), "stands for more than can be read"),
        (MERGES, "stands for more than can be read"),
        (LONG, "stands for more than can be read"),
        (DEEP, "nested too deeply"),
    ],
    ids=["text", "lists", "objects", "merges", "long", "deep"],
)
def test_what_stands_for_more_than_it_is_costs_little(bomb: str, says: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(NotOpenApiError) as error:
            parse(bomb.encode())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert says in str(error.value)
    assert peak < 100 * 1024 * 1024


TEXT = st.text(
    st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_categories=("Cc", "Cf", "Zl", "Zp"))
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(VALUES)
def test_json_means_the_same_as_yaml(value: Any) -> None:
    assert load(json.dumps(value, ensure_ascii=False)) == value


@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@?, \n#<0", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(YamlError):
        load(text)
