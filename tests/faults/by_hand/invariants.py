"""What must hold by hand, judged by the page and by what this machine and the person hold."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tests.faults.by_hand.page import Row
from tests.faults.by_hand.world import HandWorld
from tests.faults.home import Done
from tests.faults.invariants import Kind, Violation, listed, manners


def after_command(world: HandWorld, done: Done, *, operation: bool) -> Iterator[Violation]:
    yield from manners(world, done)
    yield from (Violation(Kind.LOCK_OUT, text) for text in world.complaints)
    world.complaints.clear()
    secrets = [row.secret for row in world.page.rows]
    if any(secret in done.out for secret in secrets):
        yield Violation(Kind.OTHER, f"a secret is on stdout of `{done.line}`")
    if world.record.exists() and any(secret in world.record.read_text() for secret in secrets):
        yield Violation(Kind.OTHER, "a secret is in the record")
    entries = world.entries()
    if operation and done.code == 7 and not entries:
        yield Violation(Kind.OTHER, f"exit 7 of `{done.line}`, and nothing is open")
    by_id = done.line.startswith("keys recover ") and not done.line.split()[2].startswith(
        "-"
    )  # of that one alone
    meant = [entry for entry in entries if entry["id"] in done.line] if by_id else entries
    if done.code == 0 and any(_is_due(entry) for entry in meant if entry["operation"] != "create"):
        yield Violation(Kind.OTHER, f"exit 0 of `{done.line}`, and something is due: {entries}")
    yield from _slots_are_known(world, done, entries)
    yield from _keys_are_known(world, done, entries)
    if operation and done.code == 0:
        yield from _after_success(world, entries)


def after_closing(world: HandWorld, done: Done, before: list[dict[str, Any]]) -> Iterator[Violation]:
    """A deletion that is no longer waited for was verified: the old key works no more, or is in use again."""
    page, places = world.page, list(world.places())
    still, in_use = {entry["id"] for entry in world.entries()}, {secret for secret, _ in places}
    for entry in before:
        if entry["id"] in still or entry["phase"] != "awaiting_deletion":
            continue
        readable = world.required() - {"exec"}  # with nothing to compare, two 401s are enough
        if (
            readable
            and entry["operation"] == "rotate"
            and not any(page.works(row.secret) for row in world.family)
        ):
            yield Violation(Kind.LOCK_OUT, f"`{done.line}` closed the entry of a key that works no more")
        for row in world.page.active():
            if row.secret[-4:] == entry["last_fours"][0] and row.secret not in in_use:
                yield Violation(Kind.ORPHAN, f"`{done.line}` closed the entry of {row.name!r}, which works")


def _is_due(entry: dict[str, Any]) -> bool:
    due = entry.get("due_at")
    return due is None or datetime.fromisoformat(due) <= datetime.now(UTC)


def _slots_are_known(world: HandWorld, done: Done, entries: list[dict[str, Any]]) -> Iterator[Violation]:
    open_ids = {entry["id"] for entry in entries}
    for entry_id, _ in world.slot_entries():
        if entry_id not in open_ids and done.code is not None:
            yield Violation(Kind.ORPHAN, f"after `{done.line}` a slot is left, and its entry is not open")


def _keys_are_known(world: HandWorld, done: Done, entries: list[dict[str, Any]]) -> Iterator[Violation]:
    """Of the keys of the family, one is in use; each other one that works has to be named."""
    if world.hand.operation == "revoke":
        return
    places = {secret for secret, _ in world.places()} | world.in_hand()
    current = next(
        (row for row in reversed(world.family) if row.secret in places and world.page.works(row.secret)), None
    )
    for row in world.family:
        if not world.page.works(row.secret) or row == current or _is_named(world, row, entries):
            continue
        if row.whose == "before":
            if current is not None:
                yield Violation(Kind.ORPHAN, f"after `{done.line}` the old key works, and nothing is open")
        elif row.secret in world.service.seen and row.secret not in places:
            kind = Kind.ORPHAN if row.secret in world.service.accepted else Kind.SILENT_LOSS
            yield Violation(kind, f"after `{done.line}` nothing names {row.name!r}, whose secret is nowhere")


def _is_named(world: HandWorld, row: Row, entries: list[dict[str, Any]]) -> bool:
    waiting = any(entry["phase"] == "awaiting_secret" for entry in entries)
    named = any(row.secret[-4:] in entry["last_fours"] for entry in entries)
    return named or (waiting and row.whose == "person")


def _after_success(world: HandWorld, entries: list[dict[str, Any]]) -> Iterator[Violation]:
    """What exit 0 of the operation itself promises."""
    hand, page = world.hand, world.page
    if hand.operation == "revoke":
        if page.works(world.old):
            yield Violation(Kind.OTHER, "exit 0, and the key is not deleted")
        return
    places: dict[str, set[str]] = {}
    for secret, place in world.places():
        places.setdefault(place, set()).add(secret)
    created = {row.secret for row in world.family if row.whose == "person"}
    for place in world.required():
        if not places.get(place, set()) & created:
            yield Violation(Kind.SILENT_LOSS, f"exit 0, and the new secret is not in {place}")
    if hand.operation == "rotate" and page.works(world.old) and not entries:
        yield Violation(Kind.ORPHAN, "exit 0, the old key works, and nothing is open")
    if hand.operation == "rotate" and hand.grace == "0" and page.works(world.old) and not entries:
        yield Violation(Kind.OTHER, "exit 0 of --grace 0, and the old key works")


def after_listing(world: HandWorld, last: Done, listing: Done) -> Iterator[Violation]:
    rows = listed(listing)
    if rows is None or listing.code != (7 if any(_is_due(row) for row in rows) else 0):
        yield Violation(Kind.OTHER, f"not the list that `recover --json` promises: {listing}")
        return
    if {row["id"] for row in rows} != {entry["id"] for entry in world.entries()}:
        yield Violation(Kind.OTHER, f"the list is not what is open: {listing}")
    if last.code == 7 and not rows:
        yield Violation(Kind.OTHER, f"exit 7 of `{last.line}`, and nothing is open")


def in_the_end(world: HandWorld, *, abandoned: bool, own_fault: bool) -> Iterator[Violation]:
    """After the last recovery, a week on. `own_fault`: the person has deleted every key that was theirs."""
    yield from (Violation(Kind.LITTER, text) for text in world.litter())
    for entry in world.entries():
        yield Violation(Kind.OTHER, f"still open after everything: {json.dumps(entry)}")
    page, operation = world.page, world.hand.operation
    active = [row for row in world.family if page.works(row.secret)]
    known = [row for row in active if row.whose == "before" or row.secret in world.service.seen]
    if operation == "rotate" and not own_fault:
        if not active:
            yield Violation(Kind.LOCK_OUT, "a week on, no key of the family works")
        places = list(world.places())
        ours = {row.secret for row in world.family}
        for secret, place in places:
            if secret in ours and not page.works(secret) and place in world.required() - {"exec"}:
                works = any(each == place and page.works(secret) for secret, each in places)
                if not works:
                    yield Violation(Kind.LOCK_OUT, f"a week on, what is in {place} works no more")
        held = {secret for secret, _ in places} | world.hands | set(world.environ.values())
        if active and not any(row.secret in held for row in active):
            yield Violation(Kind.LOCK_OUT, "a week on, no secret that the user holds works")
    own = next(row for row in page.rows if row.name == "cli")
    if not world.hand.own and not page.works(own.secret):
        yield Violation(Kind.LOCK_OUT, "the profile's own key works no more")
    if not abandoned and operation == "rotate" and len(known) > 1:
        yield Violation(Kind.ORPHAN, f"a week on, {[row.name for row in known]} work, and nothing is open")
