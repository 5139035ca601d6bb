"""`astalty keys panic` if keys are created and deleted in the web app."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from astalty_cli.api import contract
from astalty_cli.base.errors import AstaltyError, ConflictError, LeftOpenError, ServiceError, UsageError
from astalty_cli.base.times import local
from astalty_cli.base.vocabulary import API_KEY
from astalty_cli.cli.options import BY_HAND, DRY_RUN, SECRET
from astalty_cli.commands.keys import by_hand
from astalty_cli.commands.shared import secrets
from astalty_cli.commands.shared.web_page import WebPage
from astalty_cli.context import Context

if TYPE_CHECKING:
    from astalty_cli.base.secret import Secret
    from astalty_cli.services.incident.by_hand import HandPanic
    from astalty_cli.services.incident.leak import Leak


def run(context: Context, leaked: Secret, given: list[str] | None, folder: Path, since: timedelta) -> None:
    """`given` is what stdin has besides the leaked secret: the replacement, if any; None on a terminal."""
    from astalty_cli.services.incident.by_hand import state_text
    from astalty_cli.services.keys.delivery import probe

    output = context.output
    panic = _panic(context, leaked, given, since)
    leak, destinations = panic.leak, panic.operation.destinations
    _ensure_consistent(leak, destinations, given)
    replaces = not leak.is_replaced and bool(given or destinations or (given is None and leak.holders))
    if replaces:
        panic.ensure_replaceable()
        probe(destinations, leak.key, force=context.get(SECRET).force)
    _check(panic)
    output.note(state_text(panic))
    if context.get(DRY_RUN):
        by_hand.say_plan(context, _plan(panic, replaces=replaces), [*destinations])
        return
    if leak.earlier is None:  # otherwise it is what this command goes on with
        secrets.remind(context)
    replaces = _agreed(context, panic, given, replaces=replaces)
    _look_for_another_key(context, panic)
    key_id = _reported(panic, folder, lambda: _carry_out(context, panic, given, replaces=replaces))
    _finish(context, panic, folder, key_id)


def _panic(context: Context, leaked: Secret, given: list[str] | None, since: timedelta) -> HandPanic:
    from astalty_cli.services.incident.by_hand import HandPanic
    from astalty_cli.services.incident.leak import find

    person = WebPage.of(context, with_token=given is not None, open_page=context.get(BY_HAND).web)
    person.lines = given
    operation = by_hand.hand_operation(context, by_hand.wanted_destinations(context), person)
    return HandPanic(operation, find(operation.context, leaked), since)


def _check(panic: HandPanic) -> None:
    from astalty_cli.commands.shared import offering

    try:
        panic.check()
    except ServiceError as error:
        error.message = f"Whether the leaked secret still works is not known. {error.message}"
        error.hint = f"It may still work. {offering.PANIC}"
        raise


def _ensure_consistent(leak: Leak, destinations: object, given: list[str] | None) -> None:
    """Raises UsageError or ConflictError for a new secret that isn't there, or isn't needed.

    The same command once more, with the new secret that was delivered before, only finishes.
    """
    from astalty_cli.config.settings import typed_secret

    is_same = given and typed_secret(given[0]).last_four == leak.replaced_by
    if leak.is_replaced and (given or destinations) and not is_same:
        raise ConflictError(
            f"The leaked secret is an old one of {leak.key.name!r}, which has a new one. Nothing was done.",
            hint="Leave out --to and the second line of stdin: only the old key is left to delete.",
        )
    if destinations and given == []:
        raise UsageError(
            "--to and --copy need a new secret, and stdin has only the leaked one.",
            hint=f"Create it in the web app ({contract.MANAGE_KEYS}): its secret is the second line.",
        )


def _plan(panic: HandPanic, *, replaces: bool) -> str:
    if not panic.works:
        return "A new key would be asked for." if replaces else "Only the report would be written."
    then = " and replaced by a new one" if replaces else ""
    return f"In the web app, {_title(panic.leak)} would be deleted{then}."


def _agreed(context: Context, panic: HandPanic, given: list[str] | None, *, replaces: bool) -> bool:
    """Ask before anything starts; return whether there is to be a new key. Raises InterruptedByUser."""
    output, leak = context.output, panic.leak
    if not panic.works:
        wanted = given or not replaces or output.confirm(f"Create a new key in place of {_title(leak)}?")
        return replaces and bool(wanted)
    if not given:
        _name_recorded_destinations(context, panic)
    if not (replaces or leak.is_replaced):
        output.note("No new key is asked for, since nothing here would get it (--to).")
    then = ", and then create a new key" if replaces and not given else ""
    output.ensure_confirmed(
        f"Delete {_title(leak)} in the web app now{then}? Whatever uses it stops working."
    )
    return replaces


def _name_recorded_destinations(context: Context, panic: HandPanic) -> None:
    """They stop working with the key, so that has to be known before it is deleted."""
    given = {destination.spec for destination in panic.operation.destinations}
    others = [spec for spec in panic.leak.key.destinations if spec not in given]
    if others and not panic.leak.is_replaced:
        context.output.warn(f"The record also lists {', '.join(others)}, which won't get a new secret.")


def _look_for_another_key(context: Context, panic: HandPanic) -> None:
    from astalty_cli.services.keys.by_hand.checks import accepted_elsewhere

    if panic.works:
        variable = secrets.variable(context)
        panic.control = accepted_elsewhere(panic.operation.context, variable, panic.leak.secret)
    else:
        panic.known = by_hand.key_in_force(panic.operation.context, context)


def _carry_out(context: Context, panic: HandPanic, given: list[str] | None, *, replaces: bool) -> str:
    if panic.leak.is_replaced:
        return _finish_rotation(context, panic)
    if not replaces:
        return panic.end()
    return panic.replace_first() if given and panic.works else panic.replace_afterwards()


def _finish_rotation(context: Context, panic: HandPanic) -> str:
    from astalty_cli.services.keys.recovery_destinations import Prompts

    earlier = panic.leak.earlier
    assert earlier is not None  # noqa: S101 - `is_replaced` says so
    nobody = Prompts(confirm=lambda _: False, ask=lambda _: None)
    by_hand.recovery(context, panic.begin_to_finish(earlier), nobody, waits=panic.works)
    panic.is_rejected()
    return panic.leak.key.id


def _reported(panic: HandPanic, folder: Path, carry_out: Callable[[], str]) -> str:
    """Whatever stops it, the report is written, and the failure says where it is."""
    from astalty_cli.output.safe import visible
    from astalty_cli.services.incident.case import with_report

    try:
        return carry_out()
    except KeyboardInterrupt:
        failure: AstaltyError | None = panic.interrupted()
        if failure is None:
            raise
    except AstaltyError as error:
        failure = error
    if panic.rejected_at is None and not isinstance(failure, LeftOpenError):
        failure.hint = f"{failure.hint}\nThe leaked secret still works: run this again."
    panic.did(f"It stopped: {failure.message}")
    raise with_report(failure, lambda: panic.write_report(folder, visible)) from None


def _finish(context: Context, panic: HandPanic, folder: Path, key_id: str) -> None:
    from astalty_cli.output.safe import visible
    from astalty_cli.services.incident.case import report_after

    output, leak = context.output, panic.leak
    assert panic.rejected_at is not None  # noqa: S101 - otherwise it has raised
    ended = f"The leaked secret no longer works, verified {local(panic.rejected_at)}."
    if panic.works:
        output.note(ended)
    if leak.secret == context.settings.variable:
        output.note(f"{API_KEY} still holds the leaked secret: set it again.")
    context.completion_cache.note_key(key_id, leak.key.name if panic.replaced_by else None)
    by_hand.print_row(context, key_id)
    output.note(f"What was done with it: {contract.REQUEST_HISTORY}. The report says which filters to set.")
    output.note(report_after(ended, lambda: panic.write_report(folder, visible)).summary())


def _title(leak: Leak) -> str:
    from astalty_cli.services.keys.finder import described

    if leak.is_recorded:
        return described(leak.key)
    return f"the key that ends in {leak.key.last_four}" if leak.key.last_four else "the leaked key"
