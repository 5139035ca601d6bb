"""What must hold, judged by the service's own state and by what the user holds.

The three counted in every campaign are LOCK_OUT, SILENT_LOSS and ORPHAN; all else is OTHER.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from astalty_cli.api.models import ApiKey
from astalty_cli.base.secret import Secret
from tests.faults.home import NAME, Done, World
from tests.faults.service import Made

_WEEK = timedelta(days=8)
_CODES = {0, 2, 3, 4, 5, 6, 7, 130, None}


class Kind(StrEnum):
    LOCK_OUT = "lock-out"
    SILENT_LOSS = "silent loss"
    ORPHAN = "unreported orphan"
    LITTER = "secret left in a file"
    OTHER = "other violation"


@dataclass(frozen=True)
class Violation:
    kind: Kind
    what: str


def keys_of(world: World) -> dict[str, ApiKey]:
    """The keys that this run is about: the target, and what the commands made."""
    ids = {made.key_id for made in world.service.made if made.by != "before"} | {world.target}
    return {key_id: world.store.keys.get(key_id) for key_id in sorted(ids) if key_id}


def is_active(key: ApiKey) -> bool:
    return key.revoked_at is None


def elsewhere(world: World) -> list[Made]:
    """Secrets that another machine made of the target."""
    return [made for made in world.service.made if made.by == "elsewhere"]


# -- after each command ---------------------------------------------------------------------------


def after_command(world: World, done: Done) -> Iterator[Violation]:
    yield from manners(world, done)
    yield from (Violation(Kind.LOCK_OUT, text) for text in world.service.complaints)
    world.service.complaints.clear()
    if world.target and not elsewhere(world) and not _revoked_as_asked(world):
        if not is_active(world.store.keys.get(world.target)):
            yield Violation(Kind.LOCK_OUT, f"the key was revoked by `{done.line}`")
        elif not world.service.works(world.held(), world.target):
            yield Violation(Kind.LOCK_OUT, f"after `{done.line}` no secret that the user holds works")


def _revoked_as_asked(world: World) -> bool:
    return world.shape.operation == "revoke" and not is_active(world.store.keys.get(world.target))


def after_interrupt(world: World, done: Done) -> Iterator[Violation]:
    """One Ctrl-C between the call and the hand-over waits for the hand-over."""
    for key in unheld(world):
        yield Violation(Kind.OTHER, f"an interrupt of `{done.line}` has cost the secret of {key.name!r}")


def manners(world: World, done: Done) -> Iterator[Violation]:
    if done.code not in _CODES:
        yield Violation(Kind.OTHER, f"exit {done.code} of `{done.line}`: {done.err}")
    if "Traceback" in done.err or "hung for" in done.err:
        yield Violation(Kind.OTHER, f"`{done.line}` ended badly: {done.err}")
    if any(made.secret in done.err for made in world.service.made):
        yield Violation(Kind.OTHER, f"a secret is on stderr of `{done.line}`")
    if not world.dotenv_is_whole():
        yield Violation(Kind.OTHER, f"`{done.line}` has damaged other lines of the .env file")
    for path in world.journal.glob("*"):
        text = path.read_bytes()
        if any(made.secret.encode() in text for made in world.service.made):
            yield Violation(Kind.OTHER, f"a secret is in the journal: {path.name}")


# -- what `recover --json` says -------------------------------------------------------------------


def listed(done: Done) -> list[dict[str, Any]] | None:
    """The rows; None where there is no list."""
    try:
        rows = json.loads(done.out)
    except ValueError:
        return None
    return rows if isinstance(rows, list) else None


def after_listing(world: World, last: Done, listing: Done, *, final: bool) -> Iterator[Violation]:
    """`last` is the command before; what its message named is not lost silently (but not `final`ly)."""
    rows = listed(listing)
    if rows is None or listing.code != (7 if rows else 0):
        yield Violation(Kind.OTHER, f"not the list that `recover --json` promises: {listing}")
        return
    if last.code == 7 and not rows:
        yield Violation(Kind.OTHER, f"exit 7 of `{last.line}`, and nothing is open")
    if rows and last.code not in {7, 130, None} and not last.line.startswith("keys recover"):
        yield Violation(Kind.OTHER, f"exit {last.code} of `{last.line}`, and something is open: {rows}")
    open_keys, open_names = {row["key_id"] for row in rows}, {row["name"] for row in rows}
    for key in unheld(world):
        if key.id in open_keys or (key.name == NAME and NAME in open_names):
            continue
        if final:
            yield Violation(
                Kind.ORPHAN, f"nobody holds the newest secret of {key.name!r}, and nothing says so"
            )
        elif last.code in {0, None} or not (key.id in last.err or repr(key.name) in last.err):
            yield Violation(Kind.SILENT_LOSS, f"`{last.line}` has lost the newest secret of {key.name!r}")


def unheld(world: World) -> Iterator[ApiKey]:
    """Active keys whose newest secret these commands had made, and nobody holds."""
    held = world.held()
    for key in keys_of(world).values():
        newest = world.service.newest(key.id)
        if is_active(key) and newest and newest.by in {"us", "rival"} and newest.secret not in held:
            yield key


# -- where a command says that it is done ---------------------------------------------------------


def after_success(world: World, done: Done) -> Iterator[Violation]:
    """What exit 0 of the operation itself promises."""
    operation, names = world.shape.operation, {key.name for key in keys_of(world).values()}
    if operation == "revoke":
        if is_active(world.store.keys.get(world.target)):
            yield Violation(Kind.OTHER, "exit 0, and the key is not revoked")
        return
    if operation == "create" and NAME not in names:
        yield Violation(Kind.OTHER, "exit 0, and there is no key")
        return
    if elsewhere(world) or _rival(world):
        return
    key_id = world.target or next(key.id for key in keys_of(world).values() if key.name == NAME)
    yield from _sinks_hold(world, key_id, done)
    if operation == "rotate":
        yield from _old_ends(world)
        if world.shape.grace != "0" and not world.store.keys.accepts(Secret(world.old)):
            yield Violation(Kind.OTHER, "exit 0, and the old secret did not get its grace")
        if world.shape.own and world.stored() != _newest(world, key_id):
            yield Violation(Kind.OTHER, "exit 0, and the profile still has the old secret")


def _rival(world: World) -> bool:
    """Whether another command of the same user has made a secret."""
    return any(made.by == "rival" for made in world.service.made)


def _newest(world: World, key_id: str) -> str:
    newest = world.service.newest(key_id)
    return newest.secret if newest else ""


def _sinks_hold(world: World, key_id: str, done: Done) -> Iterator[Violation]:
    newest, places = _newest(world, key_id), set(world.places())
    for destination in world.shape.destinations:
        if destination == "stdout":
            if done.out != f"{newest}\n":
                yield Violation(Kind.SILENT_LOSS, "exit 0, and stdout is not the newest secret")
        elif (newest, destination) not in places:
            yield Violation(Kind.SILENT_LOSS, f"exit 0, and the newest secret is not in {destination}")


def _old_ends(world: World) -> Iterator[Violation]:
    """Once a rotation is finished, the old secret has the grace that the user gave it, and no more."""
    old, grace = Secret(world.old), world.shape.grace
    if grace == "0" and world.store.keys.accepts(old):
        yield Violation(Kind.OTHER, "all is finished, and the old secret works in spite of --grace 0")
    with _later(world, timedelta(hours=24, seconds=5)):
        if world.store.keys.accepts(old):
            yield Violation(Kind.OTHER, f"the old secret outlives --grace {grace}")


# -- in the end -----------------------------------------------------------------------------------


class _later:  # noqa: N801 - reads as a sentence
    def __init__(self, world: World, by: timedelta) -> None:
        self._clock, self._by = world.clock, by

    def __enter__(self) -> None:
        self._clock.now += self._by

    def __exit__(self, *_: object) -> None:
        self._clock.now -= self._by


def in_the_end(world: World, listing: Done, *, redirected: bool, late: bool) -> Iterator[Violation]:
    """After the last recovery. `redirected`: it was given another place with `--to`.

    `late`: more than a day has passed, and only a person may know who it was that rotated or created.
    """
    rows = listed(listing)
    if rows and not late:
        yield Violation(Kind.OTHER, f"still open after everything: {rows}")
    yield from (Violation(Kind.LITTER, text) for text in world.litter())
    yield from _theirs_works(world)
    stored = world.stored()
    if not elsewhere(world) and not (world.shape.own and _revoked_as_asked(world)):
        if stored is None or not world.store.keys.accepts(Secret(stored)):
            yield Violation(Kind.LOCK_OUT, "the profile's own key works no more")
        if not rows and world.target and not _revoked_as_asked(world):
            yield from _a_week_on(world, redirected=redirected)
            if world.store.keys.get(world.target).rotation and not _rival(world):
                yield from _old_ends(world)


def _a_week_on(world: World, *, redirected: bool) -> Iterator[Violation]:
    with _later(world, _WEEK):
        if not world.service.works(world.held(), world.target):
            yield Violation(Kind.LOCK_OUT, "eight days on, no secret that the user holds works")
        accepted, mine = world.store.keys.accepts, world.service.secrets_of(world.target)
        stale = [place for secret, place in world.places() if secret in mine and not accepted(Secret(secret))]
        if not redirected and not _rival(world) and {"dotenv", "profile"} & set(stale):
            yield Violation(Kind.LOCK_OUT, f"eight days on, what is in {stale} works no more")


def _theirs_works(world: World) -> Iterator[Violation]:
    """Nothing of ours ends a secret of another machine, unless it was there before we began."""
    for made in elsewhere(world)[-1:]:  # one of theirs may end another of theirs
        first = world.service.first_rotation.get(made.key_id)
        was_known = first is not None and first.knew(made)
        newest = world.service.newest(made.key_id)
        with _later(world, _WEEK):
            works = world.store.keys.accepts(Secret(made.secret))
        if not was_known and (newest != made or not works):
            yield Violation(Kind.LOCK_OUT, "the secret that another machine made was ended by us")
