"""What is written into the record, and when: after a sign-in, and with every operation on a key."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import ConflictError, LocalError, NotFoundError, UsageError
from astalty_cli.base.hiding import contains_secret
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import quoted
from astalty_cli.base.times import in_utc, utc_now
from astalty_cli.config.record import UNKNOWN, Accuracy, Ending, RecordedKey, RecordFile, new_id
from astalty_cli.services.keys.finder import described

_PASSING: Final = {"terminal", "plain", "json", "clipboard"}  # destinations that keep nothing


@dataclass(frozen=True)
class KeyRecord:
    """The record's keys of one origin.

    `warn` hears of what could not be written after the service has acted: that undoes nothing.
    """

    file: RecordFile
    origin: str
    warn: Callable[[str], None]

    def check(self) -> None:
        """Raises LocalError if the record cannot be read: better known before anything is done."""
        self.file.read()

    def has_keys(self) -> bool:
        """Whether it knows any key of this service, also one that has ended."""
        return any(key.origin == self.origin for key in self.file.read())

    def active_keys(self) -> list[RecordedKey]:
        """Those that have not ended."""
        return [key for key in self.file.read() if key.origin == self.origin and not key.ended_at]

    def ensure_free(self, name: str) -> None:
        """Raises ConflictError for the name of a key that has not ended."""
        for key in self.active_keys():
            if key.name == name:
                raise _name_in_use(key)

    def add(self, key: RecordedKey) -> None:
        """Raises ConflictError if the name is in use or the key is recorded already, or LocalError."""

        def edit(keys: list[RecordedKey]) -> None:
            for each in keys:
                if each.origin == self.origin and each.id == key.id:
                    raise ConflictError(
                        f"The record already has this key: {described(each)}.",
                        hint=f"What is known of it can be changed in {self.file.path}",
                    )
            for each in self._live(keys):
                if each.name == key.name:
                    raise _name_in_use(each)
            keys.append(key)

        self.file.change(edit)

    def rename(self, key_id: str, name: str) -> RecordedKey:
        """Raises ConflictError if the name is in use, NotFoundError if the key is gone, or LocalError."""
        renamed: list[RecordedKey] = []

        def edit(keys: list[RecordedKey]) -> None:
            for each in self._live(keys):
                if each.name == name and each.id != key_id:
                    raise _name_in_use(each)
            renamed.extend(self._replace(keys, key_id, name=name))

        self.file.change(edit)
        if not renamed:
            raise NotFoundError(f"The record no longer has the key {key_id}.", hint="See: astalty keys list")
        return renamed[0]

    def signed_in(self, profile: str, secret: Secret, key: ApiKey | None) -> None:
        """Note the key of a profile; `key` is what the service says of it, if it does."""
        told = _told(key) if key else {}
        facts: dict[str, object] = {"last_four": secret.last_four, "last_verified_at": _now(), **told}

        def edit(keys: list[RecordedKey]) -> None:
            live = self._live(keys)
            same = [each for each in live if key and each.id == key.id] or [
                each for each in live if secret.last_four and each.last_four == secret.last_four
            ]
            named = [each for each in live if each.name == profile]
            known = next(iter([each for each in named if each in same] or same or named), None)
            if known is None:
                keys.append(_new(profile, self.origin, [], {"id": new_id(), **facts}))
            elif known in same:
                self._replace(keys, known.id, **facts)
            else:
                other = {"id": new_id(), "created_at": None, "created": Accuracy.UNKNOWN, "page_name": None}
                self._replace(keys, known.id, **{**other, **facts})
                self.warn(
                    f"The record's key {described(known)} is now the one that ends in {secret.last_four}. "
                    "If the earlier one still exists and nothing uses it, delete it."
                )

        self._note(edit)

    def created(self, key: ApiKey, destinations: Iterable[str]) -> None:
        self._note(lambda keys: self._put(keys, key, lasting(destinations), _told(key)))

    def rotated(self, key: ApiKey, destinations: Iterable[str]) -> None:
        """Note a key whose new secret the service has verified."""
        facts = {
            **_told(key),
            "rotated_at": key.rotated_at and _whole_seconds(key.rotated_at),
            "previous_expires_at": key.previous_expires_at and _whole_seconds(key.previous_expires_at),
            "previous_ended_by": None,
            "last_verified_at": _now(),
        }
        self._note(lambda keys: self._put(keys, key, lasting(destinations), facts))

    def issued_by_hand(
        self,
        key_id: str,
        name: str,
        destinations: Iterable[str],
        *,
        last_four: str,
        page_name: str | None,
        access: str | None,
    ) -> None:
        """Note a key that was created on the web page just now, under a name that is free."""
        facts: dict[str, object] = {
            "id": key_id,
            "last_four": last_four,
            "page_name": page_name,
            "access": access or UNKNOWN,
            "created_at": _now(),
            "created": Accuracy.APPROXIMATE,
            "last_verified_at": _now(),
        }

        def edit(keys: list[RecordedKey]) -> None:
            if not self._replace(keys, key_id, **facts, destinations=lasting(destinations)):
                keys.append(_new(name, self.origin, lasting(destinations), facts))

        self._note(edit)

    def replaced_by_hand(
        self,
        key_id: str,
        name: str,
        destinations: Iterable[str],
        *,
        new_id: str,
        last_four: str,
        page_name: str | None,
        access: str | None,
        due_at: datetime | None,
    ) -> None:
        """Note that another key on the web page replaces a key; `due_at` is when the old one should go.

        An older one that waits for its deletion still counts: the record has the first date. A key that has
        ended, or that the record does not have, goes on in a row of its own.
        """
        facts: dict[str, object] = {
            "id": new_id,
            "last_four": last_four,
            "page_name": page_name,
            "last_verified_at": _now(),
        }

        def edit(keys: list[RecordedKey]) -> None:
            known = [key for key in self._live(keys) if key.id in {key_id, new_id}]
            for each in known:
                waiting = each.previous_expires_at if each.service_id is None else None
                due = min((date for date in (waiting, due_at) if date), default=None)
                self._replace(
                    keys,
                    each.id,
                    **facts,
                    rotated_at=_now(),
                    previous_expires_at=due and _whole_seconds(due),
                    previous_ended_by=None if due else Ending.REJECTED,
                    destinations=list(dict.fromkeys([*each.destinations, *lasting(destinations)])),
                )
            if not known:
                ended = next((key for key in keys if (key.origin, key.id) == (self.origin, key_id)), None)
                about: dict[str, object] = {
                    "owner": ended and ended.owner,
                    "purpose": ended and ended.purpose,
                    "access": access or UNKNOWN,
                    "created_at": _now(),
                    "created": Accuracy.APPROXIMATE,
                    "previous_expires_at": due_at and _whole_seconds(due_at),
                }
                keys.append(_new(name, self.origin, lasting(destinations), facts | about))

        self._note(edit)

    def deletion_verified(self, key_id: str, still_due: datetime | None) -> None:
        """Note that an old key is gone; another one may be due yet."""
        facts = _gone(still_due, Ending.REJECTED)
        self._note(lambda keys: self._replace(keys, key_id, **facts, last_verified_at=_now()))

    def deletion_stated(self, key_id: str, still_due: datetime | None) -> None:
        """Note that an old key is gone, on a person's word alone; another one may be due yet."""
        facts = _gone(still_due, Ending.STATED)
        self._note(lambda keys: self._replace(keys, key_id, **facts))

    def put_back(self, key_id: str, *, last_four: str, page_name: str | None) -> None:
        """Note that the old secret is in use again: the key that should have replaced it was deleted."""
        self._note(
            lambda keys: self._replace(
                keys, key_id, last_four=last_four, page_name=page_name, previous_expires_at=None
            )
        )

    def renamed(self, key: ApiKey, old_name: str) -> None:
        """Note a new name; a key that goes by another one in the record keeps that."""

        def edit(keys: list[RecordedKey]) -> None:
            taken = {each.name for each in self._live(keys) if each.id != key.id}
            for each in self._live(keys):
                if each.id == key.id:
                    follows = each.name == old_name and key.name not in taken
                    name = key.name if follows else each.name
                    self._replace(keys, key.id, name=name, page_name=key.name)

        self._note(edit)

    def ended(self, key_id: str, how: Ending) -> None:
        self._note(lambda keys: self._replace(keys, key_id, ended_at=_now(), ended_by=how))

    def leak_ended(self, key_id: str, name: str, *, last_four: str, page_name: str | None) -> None:
        """Note that the service rejects a leaked secret: in its key's row, if that has no other yet."""
        ended: dict[str, object] = {"ended_at": _now(), "ended_by": Ending.REJECTED}

        def edit(keys: list[RecordedKey]) -> None:
            own = [key for key in keys if key.origin == self.origin]
            if any(key.id == key_id and key.last_four == last_four and not key.ended_at for key in own):
                self._replace(keys, key_id, **ended)
            elif not any(key.ended_at and key.last_four == last_four for key in own):
                own_id = new_id() if any(key.id == key_id for key in own) else key_id
                facts = {"id": own_id, "last_four": last_four, "page_name": page_name, **ended}
                keys.append(_new(name, self.origin, [], facts))

        self._note(edit)

    def verified(self, key_ids: Sequence[str]) -> None:
        """Note keys that the service has just accepted. Raises LocalError."""

        def edit(keys: list[RecordedKey]) -> None:
            for key_id in key_ids:
                self._replace(keys, key_id, last_verified_at=_now())

        self.file.change(edit)

    # -- how -------------------------------------------------------------------------------------

    def _live(self, keys: Iterable[RecordedKey]) -> list[RecordedKey]:
        return [key for key in keys if key.origin == self.origin and not key.ended_at]

    def _replace(self, keys: list[RecordedKey], key_id: str, **changes: object) -> list[RecordedKey]:
        changed = []
        for index, key in enumerate(keys):
            if key.origin == self.origin and key.id == key_id:
                keys[index] = msgspec.structs.replace(key, **changes)
                changed.append(keys[index])
        return changed

    def _put(
        self, keys: list[RecordedKey], key: ApiKey, destinations: list[str], facts: dict[str, object]
    ) -> None:
        """Change the key that has this id, else this name, or add it: the service's word is the newer one."""
        live = self._live(keys)
        same = [each for each in live if each.id == key.id] or [
            each for each in live if each.name == key.name
        ]
        if same:
            all_of_them = list(dict.fromkeys([*same[0].destinations, *destinations]))
            self._replace(keys, same[0].id, **facts, destinations=all_of_them)
        else:
            keys.append(_new(key.name, self.origin, destinations, facts))

    def _note(self, edit: Callable[[list[RecordedKey]], object]) -> None:
        def change(keys: list[RecordedKey]) -> None:
            edit(keys)

        try:
            self.file.change(change)
        except LocalError as error:
            self.warn(f"The record was not updated. {error.message}")


def lasting(specs: Iterable[str]) -> list[str]:
    """The destinations that keep a secret; of a command only its program, since it may hold a secret."""
    return [
        f"exec:{quoted(shlex.split(spec[5:])[0])}" if spec.startswith("exec:") else spec
        for spec in specs
        if spec not in _PASSING
    ]


def ensure_holds_no_secret(text: str | None, secret: Secret | None = None) -> None:
    """Raises UsageError for a text with a secret in it: the record is for everybody to read."""
    if text and (contains_secret(text) or (secret and secret.reveal() in text)):
        raise UsageError(
            "A text for the record seems to contain a secret.", hint="Leave it out: the record is no secret."
        )


def _new(name: str, origin: str, destinations: list[str], facts: dict[str, object]) -> RecordedKey:
    row = {"name": name, "origin": origin, "destinations": destinations, **facts}
    return msgspec.convert(row, RecordedKey, from_attributes=True)


def _told(key: ApiKey) -> dict[str, object]:
    """What the service says of a key."""
    return {
        "id": key.id,
        "last_four": key.last_four,
        "page_name": key.name,
        "created_at": _whole_seconds(key.created_at),
        "created": Accuracy.GIVEN,
        **({"access": key.access} if key.access else {}),
    }


def _gone(still_due: datetime | None, how: Ending) -> dict[str, object]:
    """What to note of an old key that is gone; `how` that is known counts once none is due."""
    if still_due:
        return {"previous_expires_at": _whole_seconds(still_due)}
    return {"previous_expires_at": None, "previous_ended_by": how}


def _now() -> datetime:
    return _whole_seconds(utc_now())


def _whole_seconds(moment: datetime) -> datetime:
    return in_utc(moment).replace(microsecond=0)


def _name_in_use(key: RecordedKey) -> ConflictError:
    return ConflictError(
        f"The record already has a key named {key.name!r} ({key.id}).",
        hint="Choose another name. See the keys: astalty keys list",
    )
