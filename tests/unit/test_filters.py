"""A filter of the history means something wherever the history is read from."""

from datetime import UTC, datetime
from typing import Any

import pytest

from astalty_cli.commands.history.filters import FILTERS, api_filters
from astalty_cli.mirror.query import where
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.services.export.partial import FLAGS
from astalty_cli.services.history.filters import Filters

NO_CONTEXT: Any = None  # an account is asked only for a key's id
TIMES = {"since", "until"}
NOT_IN_FILTERS = {"key"}  # looked up first: the mirror gets its id


def given(name: str) -> Filters:
    value: Any = datetime(2026, 11, 1, tzinfo=UTC) if name in TIMES else "404"
    return Filters(**{name: value})


def test_each_flag_is_a_filter() -> None:
    assert [parameter.name for parameter in FILTERS.parameters()] == list(Filters._fields)


@pytest.mark.parametrize("name", [each for each in Filters._fields if each not in NOT_IN_FILTERS])
def test_the_service_and_the_mirror_narrow_by_it(name: str) -> None:
    assert any(api_filters(NO_CONTEXT, given(name)).values())
    assert where(given(name), None) != where(Filters(), None)


def test_the_sandbox_takes_what_is_sent() -> None:
    assert set(api_filters(NO_CONTEXT, Filters())) == set(REQUESTS.filters)


def test_an_export_with_another_filter_is_another_export() -> None:
    assert set(api_filters(NO_CONTEXT, Filters())) == set(FLAGS)
    assert {f"--{name}" for name in Filters._fields} == set(FLAGS.values())
