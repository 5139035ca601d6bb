"""A creation may not be sent again once the service has forgotten its Idempotency-Key."""

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from astalty_cli.base.errors import LeftOpenError
from astalty_cli.base.times import utc_now
from astalty_cli.config.journal import JournalEntry, Operation
from astalty_cli.services.keys.lost_creation import LostCreation
from astalty_cli.services.keys.recovery_destinations import Prompts

ENTRY = JournalEntry(
    id="1",
    operation=Operation.CREATE,
    name="ci",
    idempotency_key="x",
    profile="default",
    base_url="https://api.example",
    account_id="1",
    started_at=utc_now(),
)


class Overtaken(LostCreation):
    """The day is over while the question stands."""

    def is_old(self, _: JournalEntry) -> bool:
        return next(OLD)


OLD = itertools.cycle([False, True])


@pytest.mark.parametrize("agreed", ["Finish creating", "Revoke the key"])
def test_it_is_not_sent_where_the_question_stood_until_then(agreed: str) -> None:
    operation: Any = SimpleNamespace(recover="astalty keys recover")
    destinations: Any = SimpleNamespace(targets=lambda _: [SimpleNamespace(spec="plain")])
    prompts = Prompts(confirm=lambda question: question.startswith(agreed), ask=lambda _: None)
    with pytest.raises(LeftOpenError, match="the question stood"):
        Overtaken(operation, destinations, prompts).finish(ENTRY)
