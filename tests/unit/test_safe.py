"""The gate for text from outside, and the ASCII spelling of JSON, for any text at all."""

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astalty_cli.output.machine import ascii_json, csv_line, text, tsv_line
from astalty_cli.output.safe import (
    WorkflowLog,
    defuse_workflow_commands,
    visible,
    visible_lines,
)

FILLERS = "\u115f\u1160\u3164\uffa0"  # letters to Unicode, and nothing to be seen: these are spelled out
ANYTHING = st.text(st.characters(codec=None, exclude_categories=()))


@given(ANYTHING)
def test_nothing_that_a_terminal_obeys_or_hides_gets_through(given_text: str) -> None:
    shown = visible(given_text)
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


@given(ANYTHING)
def test_newlines_alone_stay_in_a_text_of_several_lines(given_text: str) -> None:
    shown = visible_lines(given_text)
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Cs"} and char != "\n"]


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters=FILLERS)))
def test_ordinary_text_of_any_script_is_left_alone(given_text: str) -> None:
    assert visible(given_text) == given_text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\u202e", r"\u202e"),
        ("\U000e0041", r"\U000e0041"),
        (FILLERS, r"\u115f\u1160\u3164\uffa0"),
    ],
)
def test_how_it_is_spelled(raw: str, shown: str) -> None:
    assert visible(raw) == shown


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_ascii_json_is_the_same_value_in_printable_ascii(value: object) -> None:
    spelled = ascii_json(json.dumps(value, ensure_ascii=False).encode())
    assert json.loads(spelled) == value
    assert re.fullmatch(r"[\x20-\x7e]*", spelled)


@given(st.lists(ANYTHING, min_size=1))
def test_a_tsv_record_is_one_line_with_its_cells(cells: list[str]) -> None:
    line = tsv_line(cells)
    assert line.count("\n") == 1
    assert line.count("\t") == len(cells) - 1


@given(ANYTHING)
def test_no_csv_cell_starts_a_formula(cell: str) -> None:
    line = csv_line([cell], raw=False)
    assert not line.lstrip('"').startswith(("=", "+", "-", "@"))
    assert line.count("\n") == 1


@given(st.text(alphabet=" \t:#[x\n"))
def test_no_line_is_a_workflow_command(given_text: str) -> None:
    assert not re.search(r"^[ \t]*(::|##\[)", defuse_workflow_commands(given_text), re.MULTILINE)


ENDS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"]


@given(
    st.lists(
        st.text(alphabet=" \t:#[x\n\r\v\f\x1c\x85\u2028\u2029\u200b\ufeff\x1b\0", max_size=6), max_size=6
    )
)
def test_no_line_of_several_writes_is_a_workflow_command(pieces: list[str]) -> None:
    log = WorkflowLog()
    written = "".join(map(log.defused, pieces))
    assert re.search("(?:^|[\n\r\v\f\x1c\x85\u2028\u2029])[\\s\u200b\ufeff\x1b\0]*::", written) is None
    assert "##[" not in written
    assert written.replace("\\", "") == "".join(pieces)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("before", ["", " ", "\t", "\u200b", "\x1b", "\ufeff"])
def test_a_line_may_end_in_many_ways(end: str, before: str) -> None:
    text = f"a::b{end}{before}::add-mask::x{end}##[group]"
    assert defuse_workflow_commands(text) == f"a::b{end}{before}\\::add-mask::x{end}##\\[group]"


def test_a_long_run_of_line_ends_takes_no_time() -> None:
    text = "\n" * 1_000_000 + "x::"
    assert defuse_workflow_commands(text) == text


@pytest.mark.parametrize(
    ("value", "cell"),
    [(b"null", ""), (b'"a"', "a"), (b"1.50", "1.50"), (b'{"a": 1}', '{"a":1}'), (b'"\\ud800"', '"\\ud800"')],
)
def test_a_json_value_as_a_cell(value: bytes, cell: str) -> None:
    assert text(value) == cell
