import gc
from collections.abc import Iterator

import pytest

from astalty_cli.base import garbage


@pytest.fixture
def normal() -> Iterator[tuple[int, int, int]]:
    """This interpreter's own thresholds, which differ from version to version."""
    before = gc.get_threshold()
    yield before
    gc.set_threshold(*before)
    gc.unfreeze()


def test_a_long_command_collects_as_the_interpreter_does_by_itself(normal: tuple[int, int, int]) -> None:
    garbage.collect_rarely()
    assert gc.get_threshold()[0] > 10 * normal[0]
    garbage.collect_normally()
    assert gc.get_threshold() == normal


def test_only_what_a_short_command_leaves_is_frozen(normal: tuple[int, int, int]) -> None:
    garbage.freeze_if_rare()
    assert gc.get_freeze_count() == 0
    garbage.collect_rarely()
    garbage.freeze_if_rare()
    assert gc.get_freeze_count() > 0
