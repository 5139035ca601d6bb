"""`create`, `rotate`, `revoke` and `recover` if keys are created and deleted on the web page."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from astalty_cli.api import contract
from astalty_cli.base.errors import AstaltyError, NotFoundError, RefusedError, UsageError
from astalty_cli.base.vocabulary import API_KEY, Access, access_name
from astalty_cli.cli.options import BY_HAND, DRY_RUN, SECRET
from astalty_cli.commands.keys.arguments import raise_for_failures
from astalty_cli.commands.shared import secrets
from astalty_cli.commands.shared.record import key_record
from astalty_cli.commands.shared.web_page import WebPage
from astalty_cli.context import Context
from astalty_cli.destinations import choice
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.base.secret import Secret
    from astalty_cli.config.journal import JournalEntry
    from astalty_cli.config.record import RecordedKey
    from astalty_cli.destinations.destination import Destination
    from astalty_cli.services.keys.by_hand.old_secret import OldSecret
    from astalty_cli.services.keys.by_hand.operations import HandOperation
    from astalty_cli.services.keys.operation import LocalContext
    from astalty_cli.services.keys.recovery_destinations import Prompts


def is_wanted(context: Context) -> bool:
    """Whether a flag says so, whatever the service offers."""
    flags = context.get(BY_HAND)
    return flags.by_hand or flags.with_token


def create(context: Context, name: str, access: Access | None) -> None:
    from astalty_cli.services.keys.delivery import probe

    destinations, person = wanted_destinations(context), web_page(context)
    operation = hand_operation(context, destinations, person)
    operation.context.record.ensure_free(name)
    if context.get(DRY_RUN):
        probe(destinations, None, force=operation.force)
        say_plan(context, f"A key named {name!r} would be created in the web app.", destinations)
        return
    _ensure_can_paste(person, "astalty keys create NAME")
    secrets.remind(context)
    new = operation.create(name, access, key_in_force(operation.context, context))
    context.completion_cache.note_key(new.key.id, name)
    level = access_name(access) if access else "unknown (record it with --access)"
    context.output.note(f"Created {name!r} (ends in {new.secret.last_four}). Access level: {level}.")
    print_row(context, new.key.id)


def rotate(context: Context, wanted: str, grace: timedelta, if_older_than: timedelta | None) -> None:
    from astalty_cli.services.keys.delivery import probe
    from astalty_cli.services.keys.finder import described

    output, destinations = context.output, wanted_destinations(context)
    if not grace and not context.get(DRY_RUN):
        output.ensure_can_ask("have the old key deleted at once?")
    person = web_page(context)
    operation, key = hand_operation(context, destinations, person), recorded(context, wanted)
    operation.context.ensure_none_open(key.id)
    if if_older_than is not None and _is_younger(context, key, if_older_than):
        return
    probe(destinations, key, force=operation.force)
    if context.get(DRY_RUN):
        say_plan(context, f"{described(key)} would be replaced in the web app.", destinations)
        return
    _ensure_can_paste(person, "astalty keys rotate KEY")
    secrets.remind(context)
    if not grace:
        output.ensure_confirmed(
            f"Replace {described(key)}, and delete the old key in the web app at once? "
            "Whatever uses the old one stops working."
        )
    old = _old_secret(context, operation, key)
    ended = operation.rotate(key, old, grace)
    if old.slot is None and old.secret == context.settings.variable:
        output.note(f"{API_KEY} still holds the old secret: set it again.")
    output.note(f"Replaced the secret of {described(ended.key)}.")
    print_row(context, ended.key.id)


def _is_younger(context: Context, key: RecordedKey, limit: timedelta) -> bool:
    """Whether the record says that the key's secret is younger, which is said too."""
    from astalty_cli.base.times import utc_now
    from astalty_cli.services.keys.finder import described

    created = key.rotated_at or key.created_at
    if created is None:
        raise UsageError(
            f"The record does not say how old the secret of {described(key)} is.",
            hint=f"Leave out --if-older-than, or add created_at to it in {key_record(context).file.path}",
        )
    age = utc_now() - created
    if age < limit:
        context.output.note(f"The secret of {described(key)} is {age.days} days old: nothing was done.")
    return age < limit


def _old_secret(context: Context, operation: HandOperation, key: RecordedKey) -> OldSecret:
    """The secret that is to be replaced. Raises UsageError if it is not found or given."""
    from astalty_cli.services.keys.by_hand.old_secret import find
    from astalty_cli.services.keys.finder import described

    places = [*operation.destinations, *_recorded_destinations(context, key)]
    old = find(operation.context, key, places, secrets.variable(context), operation.person)
    if old is None:
        raise UsageError(
            f"The current secret of {described(key)} is not on this machine: "
            "nothing could verify that its key is deleted.",
            hint="Give it as the second line of stdin, with --with-token.\n"
            "If nobody has it, create another key: astalty keys create NAME",
        )
    return old


def revoke(
    context: Context, wanted: list[str], *, allow_self: bool, allow_last: bool, if_idle: timedelta | None
) -> None:
    from astalty_cli.services.keys.finder import described

    if if_idle is not None:
        raise UsageError(
            "The record does not say when keys were used, so --if-idle cannot be checked.",
            hint="Leave it out, and look at the request history in the web app.",
        )
    operation, revoked = hand_operation(context, [], web_page(context)), 0
    failures: dict[str, AstaltyError] = {}
    if not context.get(DRY_RUN):
        secrets.remind(context)
    for name in dict.fromkeys(wanted):
        try:
            key = recorded(context, name)
            if context.get(DRY_RUN):
                say_plan(context, f"{described(key)} would be deleted in the web app.", [])
                continue
            _revoke(context, operation, key, allow_self=allow_self, allow_last=allow_last)
            revoked += 1
        except AstaltyError as error:
            failures[name] = error
    raise_for_failures(failures, revoked)


def _revoke(
    context: Context, operation: HandOperation, key: RecordedKey, *, allow_self: bool, allow_last: bool
) -> None:
    from astalty_cli.services.keys.by_hand.checks import accepted_elsewhere
    from astalty_cli.services.keys.by_hand.old_secret import find
    from astalty_cli.services.keys.finder import described

    local, variable = operation.context, secrets.variable(context)

    def ensure_allowed(secret: Secret | None) -> None:
        if not allow_last:
            _ensure_not_last(local, key)
        if not allow_self and secret is not None:
            _ensure_not_in_use(local, key, secret, variable)

    ensure_allowed(None)
    old = find(local, key, _recorded_destinations(context, key), variable, operation.person)
    secret = old.secret if old else None
    ensure_allowed(secret)
    context.output.ensure_confirmed(
        f"{described(key)}\nDelete it? This can't be undone: whatever uses it stops working."
    )
    ensure_allowed(secret)  # again: the user may have thought for long
    operation.revoke(key, old, accepted_elsewhere(local, variable, secret))
    context.completion_cache.note_key(key.id, None)
    context.output.note(f"Revoked {described(key)}.")
    print_row(context, key.id)


def _ensure_not_last(local: LocalContext, key: RecordedKey) -> None:
    from astalty_cli.services.keys.finder import described

    if not any(each.id != key.id for each in local.record.active_keys()):
        raise RefusedError(
            f"{described(key)} is the last active key of the record. Nothing was done.",
            hint="Use --allow-last to do it anyway.",
        )


def _ensure_not_in_use(
    local: LocalContext, key: RecordedKey, secret: Secret, variable: Secret | None
) -> None:
    from astalty_cli.services.keys.finder import described

    users = [f"profile {held.holder!r}" for held in local.holders.held() if held.secret == secret]
    users += [API_KEY] if secret == variable else []
    if users:
        raise RefusedError(
            f"{described(key)} is in use here: {', '.join(users)}. Nothing was done.",
            hint="Use --allow-self to do it anyway.",
        )


def recovery(context: Context, entry: JournalEntry, prompts: Prompts, *, waits: bool = True) -> None:
    """Finish one entry. Without `waits`, look once whether its key is deleted."""
    from astalty_cli.config.journal import Phase
    from astalty_cli.services.keys.by_hand.recovery import HandRecovery

    person = web_page(context)
    person.is_here = person.is_here and waits and not context.output.style.yes
    needs_new = entry.phase is not Phase.AWAITING_DELETION or entry.is_replaced_afterwards
    person.old_line = 1 if needs_new else 0
    given = choice.by_hand(context.get(SECRET), secrets.destination_environment(context))
    own = secrets.destinations_of(context, entry)
    operation = hand_operation(context, given or own, person)
    recorded_ones = [
        each
        for key in operation.context.record.active_keys()
        if key.id == entry.key_id
        for each in _recorded_destinations(context, key)
        if each.spec not in entry.destinations
    ]
    HandRecovery(operation, [*own, *recorded_ones], prompts, secrets.variable(context), person.can_paste).run(
        entry
    )


def recorded(context: Context, wanted: str) -> RecordedKey:
    """The key of the record that is meant. Raises NotFoundError, or UsageError for several."""
    from astalty_cli.services.keys.finder import KeyFinder
    from astalty_cli.services.keys.recorded import RecordedKeys

    record = key_record(context)
    try:
        found = KeyFinder(RecordedKeys(record.file, record.origin, {})).find_active(wanted)
    except NotFoundError as error:
        error.hint = (
            f"{error.hint}\nTo record an existing key: astalty keys add NAME\n"
            f"All keys are in the web app: {contract.MANAGE_KEYS}"
        )
        raise
    return next(key for key in record.active_keys() if key.id == found.id)


def web_page(context: Context) -> WebPage:
    flags = context.get(BY_HAND)
    return WebPage.of(context, with_token=flags.with_token, open_page=flags.web)


def hand_operation(context: Context, destinations: list[Destination], person: WebPage) -> HandOperation:
    from astalty_cli.services.keys.by_hand.operations import HandOperation
    from astalty_cli.services.keys.by_hand.slots import Slots

    return HandOperation(
        secrets.local_context(context),
        person,
        Slots(context.program.folders.data),
        destinations,
        context.get(SECRET).force,
        context.get(BY_HAND).allow_other_account,
    )


def wanted_destinations(context: Context) -> list[Destination]:
    context.output.columns(columns.RECORDED_KEY, _row_type())
    return choice.by_hand(context.get(SECRET), secrets.destination_environment(context))


def _row_type() -> type:
    from astalty_cli.services.keys.recorded import RecordedRow

    return RecordedRow


def _ensure_can_paste(person: WebPage, line: str) -> None:
    """Raises UsageError if there is neither a terminal nor a line on stdin for the new secret."""
    if person.with_token:
        person.read_lines()
    elif not person.is_here:
        raise UsageError(
            "This service has no API for keys, and there is no terminal on which to ask for the new key.",
            hint=f"Create it in the web app ({contract.MANAGE_KEYS}), then give it on stdin: "
            f"{line} --with-token < FILE",
        )


def _recorded_destinations(context: Context, key: RecordedKey) -> list[Destination]:
    """Those of the record that can be read; it may name some of other machines."""
    environment, found = secrets.destination_environment(context), []
    for spec in key.destinations:
        with suppress(UsageError):
            if destination := choice.again(spec, environment, timedelta()):
                found.append(destination)
    return found


def key_in_force(local: LocalContext, context: Context) -> Secret | None:
    """The key in force, if there is one and the service accepts it."""
    from astalty_cli.services.keys.by_hand.checks import is_accepted

    with suppress(AstaltyError):
        secret = context.secret()
        if is_accepted(local, secret):
            return secret
    return None


def say_plan(context: Context, what: str, destinations: list[Destination]) -> None:
    for destination in destinations:
        context.output.note(f"{destination.spec}: can take the secret.")
    context.output.note(f"{what} A dry run: nothing was changed.")


def print_row(context: Context, key_id: str) -> None:
    """Print the key as the record has it, if a flag asks for data. The secret is never in it."""
    from astalty_cli.services.keys.recorded import RecordedKeys, RecordedRow

    if context.output.result_wanted:
        record = key_record(context)
        row = RecordedKeys(record.file, record.origin, {}).get_key(key_id).raw
        context.output.item(row, context.output.columns(columns.RECORDED_KEY, RecordedRow))
