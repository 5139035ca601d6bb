import copy
import pickle

import pytest

from astalty_cli.base.secret import Secret

CLEAR = "astalty_0123456789abcdefWXYZ"


def test_only_reveal_shows_it() -> None:
    secret = Secret(CLEAR)
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret:>40}", "%s" % secret, repr([secret])):  # noqa: UP031
        assert CLEAR not in shown
        assert "…WXYZ" in shown
    assert secret.reveal() == CLEAR


def test_a_short_one_has_no_last_four_to_show() -> None:
    assert repr(Secret("abcd")) == "Secret(…)"


def test_it_is_neither_pickled_nor_copied() -> None:
    for work in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            work(Secret(CLEAR))


def test_it_has_no_attributes_to_dump() -> None:
    assert not hasattr(Secret(CLEAR), "__dict__")


def test_equality() -> None:
    assert Secret(CLEAR) == Secret(CLEAR)
    assert Secret(CLEAR) != Secret("other")
    assert Secret(CLEAR) != CLEAR
    assert len({Secret(CLEAR), Secret(CLEAR)}) == 1
