"""Finishing what a crash, a lost answer or a failed sink has left open (`keys recover`).

What the journal says may be one step behind what happened, so each entry is compared with the service and
with every place that can be read. Nothing is guessed: where only the user can know whether a secret has
arrived, the user is asked, and without an answer the entry stays open. Each step is itself in the
journal, so that a recovery can be interrupted anywhere and run again.
"""

from dataclasses import dataclass
from datetime import timedelta

import msgspec

from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import (
    AstaltyError,
    InterruptedByUser,
    LeftOpenError,
    LocalError,
    UnauthorizedError,
)
from astalty_cli.base.signals import held
from astalty_cli.base.times import local
from astalty_cli.config.journal import Entry, Operation, Phase
from astalty_cli.services.keys.creation import stake
from astalty_cli.services.keys.finder import described, is_active
from astalty_cli.services.keys.issuing import Issuing
from astalty_cli.services.keys.lost_creation import UnansweredCreation
from astalty_cli.services.keys.operation import Session
from astalty_cli.services.keys.recovery_destinations import Found, Places, Words, into
from astalty_cli.services.keys.revoking import end, is_revoked_by_itself
from astalty_cli.services.keys.rotation import Ending

# An Idempotency-Key is kept for 24 hours; an hour less, since clocks and requests are never exact.
_REPLAYABLE = timedelta(hours=23)


@dataclass(frozen=True)
class Recovery:
    """Finishes or undoes one entry at a time, of the session's account; the caller holds its lock."""

    session: Session
    places: Places
    words: Words

    def run(self, entry: Entry) -> None:
        """Raises LeftOpenError where the entry stays open: it says why, and what to do."""
        try:
            self._must_be_this_account(entry)
            self._finish(entry)
        except LeftOpenError:
            raise
        except AstaltyError as error:
            if not self._is_closed(entry):
                raise still_open(entry, error.message, hint=error.hint) from None
            self.session.say(f"{titled(entry)} is finished: nothing is left to do. {error.message}")
        except KeyboardInterrupt:
            left = "" if self._is_closed(entry) else f" {titled(entry)} is still open."
            raise InterruptedByUser(f"Interrupted.{left}") from None

    def _is_closed(self, entry: Entry) -> bool:
        try:
            return self.session.journal.read(entry.id) is None
        except LocalError:
            return False

    def _must_be_this_account(self, entry: Entry) -> None:
        try:
            here = (self.session.origin, self.session.own.account.id)
        except UnauthorizedError:
            return  # a place that can be read may hold a secret that works
        if here != (entry.base_url, entry.account_id):
            raise elsewhere(entry)

    def _finish(self, entry: Entry) -> None:
        if entry.operation is Operation.REVOKE:
            self._finish_revocation(entry, entry.key_id or "")
        elif entry.key_id is None:
            UnansweredCreation(self).finish(entry)
        else:
            self._finish_secret(entry, entry.key_id)

    # -- a secret that was made, or may have been ------------------------------------------------

    def _finish_secret(self, entry: Entry, key_id: str) -> None:
        found = self.places.newest(entry)
        if found is not None:
            self._go_on_from(entry, found)
            return
        key = self._seen(key_id)
        if not is_active(key):
            self.over(entry, "The key is revoked.")
        elif key.rotation > entry.rotation + 1:
            self.over(
                entry,
                "Someone else has rotated the key since; the secret of this operation ends with their grace.",
            )
        elif entry.phase is Phase.PROVED:
            self._end_the_old(entry, key)
        elif entry.phase is not Phase.ASKED:
            if not self._has_arrived(entry, key):
                self.issue_again(entry, key)
        elif key.rotation == entry.rotation and self.is_old(entry) and not entry.lost:
            self.over(entry, "The service never got the request: the key is as it was.")
        elif key.rotation == entry.rotation or not self.is_old(entry) or self._is_ours(entry, key):
            self.issue_again(entry, key)

    def _end_the_old(self, entry: Entry, key: ApiKey) -> None:
        """All was done but the last step: the secret was delivered, proved, and is where it is used."""
        if self.words.agrees(f"Start the clock of the old secret of {described(key)}, as was begun?"):
            self._said_to_end(Ending(self.session).end_the_old(entry, key, self.session.fresh()).value)
        else:
            raise still_open(entry, "", hint=f"Finish it: {self.session.recover}")

    def _seen(self, key_id: str) -> ApiKey:
        try:
            return self.session.fresh().get_key(key_id).value
        except UnauthorizedError as error:
            error.hint = f"Sign in with another key of the account, then: {self.session.recover}"
            raise

    def _go_on_from(self, entry: Entry, found: Found) -> None:
        missing, whose = self.places.missing(entry, found.secret), described(found.key.value)
        also = f", put it {into(missing)} as well," if missing else ""
        if not self.words.agrees(f"The newest secret of {whose} is here: go on with it{also} and finish?"):
            raise still_open(entry, "", hint=f"Finish it: {self.session.recover}")
        self.places.probe(missing, found.key.value, entry)
        entry = msgspec.structs.replace(entry, delivered=self.places.having(entry, found.secret))
        with held(self.session.warn, stake(entry.name)) as signals:
            handed = Issuing(self.session, missing).hand_over(entry, found.key, found.secret)
        signals.obey()
        if entry.operation is Operation.ROTATE:
            self._said_to_end(Ending(self.session).run(handed).value)
        else:
            self.over(entry, f"The secret of {whose} is in its place.")

    def _is_ours(self, entry: Entry, key: ApiKey) -> bool:
        """Whether the rotation that the key has seen is this one: past 24 hours no replay can tell."""
        when = f" on {local(key.rotated_at)}" if key.rotated_at else ""
        known = self.words.knows(f"{described(key)} was rotated{when}. Was it this command, and nobody else?")
        if known is None:
            raise still_open(
                entry,
                f"{described(key)} was rotated{when}, and the service no longer knows by whom.",
                hint=f"Run {self.session.recover} on a terminal and say who it was.",
            )
        if not known:
            self.over(entry, "Someone else rotated the key.")
        return known

    def is_old(self, entry: Entry) -> bool:
        """Whether the service may have forgotten the entry's Idempotency-Key."""
        return self.session.latest - entry.started_at > _REPLAYABLE

    def _has_arrived(self, entry: Entry, key: ApiKey) -> bool:
        """Whether the secret is in places that cannot be read; then the entry is finished with that."""
        places = ", ".join(self.places.to_ask_about(entry))
        if not places:
            return False
        known = self.words.knows(
            f"Do you have the new secret of {described(key)}, or is it in its place ({places})? "
            "If not, it gets another."
        )
        if known is None:
            raise still_open(
                entry,
                f"The new secret of {described(key)} may have arrived ({places}); nobody is here to say so.",
                hint=f"Run {self.session.recover} on a terminal. Or have another made, and the one that may "
                f"have arrived ended in its grace: {self.session.recover} --yes --to SINK",
            )
        if known:
            self._finish_on_word(entry, key)
        return known

    def _finish_on_word(self, entry: Entry, key: ApiKey) -> None:
        """Finish without having the secret. Nothing is ended then: it was not proved."""
        holding = self.session.holders.holding(key.id)
        if entry.operation is Operation.CREATE:
            self.over(entry, "The secret has arrived.")
        elif holding:
            raise still_open(
                entry,
                f"The profile {holding[0]!r} needs the new secret too.",
                hint=f"Sign in with it: astalty auth login -p {holding[0]}. Then: {self.session.recover}",
            )
        else:
            self.over(
                entry, f"The secret has arrived. It was not proved, so the old one was left alone. {old(key)}"
            )

    def issue_again(self, entry: Entry, key: ApiKey) -> None:
        """Make another secret for a key whose newest one nobody has; or undo a creation."""
        targets = self.places.targets(entry)
        if not targets or not self.words.agrees(f"Make a new secret for {described(key)}, {into(targets)}?"):
            self._undo(entry, key, declined=bool(targets))
            return
        self.places.probe(targets, key, entry)
        answered = entry.phase is not Phase.ASKED or self.is_old(entry)
        entry = msgspec.structs.replace(entry, sinks=[sink.spec for sink in targets], delivered=[])
        issuing = Issuing(self.session, targets, unknown=True)
        if answered and key.rotation == entry.rotation + 1:
            entry = issuing.once_more(entry, key)
        self.issue(issuing, entry)

    def issue(self, issuing: Issuing, entry: Entry) -> None:
        """Make the secret that an entry asks for, and finish the entry."""
        session = self.session
        with held(session.warn, stake(entry.name)) as signals:
            handed = issuing.run(session.journal.write(entry))
            if entry.operation is Operation.CREATE:
                self.over(handed.entry, f"The secret of {described(handed.key.value)} is in its place.")
        signals.obey()
        if entry.operation is Operation.ROTATE:
            self._said_to_end(Ending(session).run(handed).value)

    def _said_to_end(self, key: ApiKey) -> None:
        self.session.say(f"Finished the rotation of {described(key)}. {old(key)}")

    def _undo(self, entry: Entry, key: ApiKey, *, declined: bool) -> None:
        """Revoke a key that was made and that nobody can use. A rotated key is never revoked."""
        finish = f"Finish it: {self.session.recover}"
        if entry.operation is not Operation.CREATE:
            if declined:
                raise still_open(entry, "", hint=finish)
            raise still_open(
                entry,
                f"Nothing says where a new secret of {described(key)} should go. {old(key)}",
                hint=f"Name a place: {self.session.recover} --yes --to file:PATH",
            )
        if not self.words.agrees(f"Revoke the key {described(key)}, whose secret nobody has?"):
            raise still_open(entry, "", hint=finish)
        self.revoke_orphan(entry, key)

    def revoke_orphan(self, entry: Entry, key: ApiKey) -> None:
        """Revoke it, unless somebody has given it a secret of theirs since."""
        if key.rotation > entry.rotation + 1:
            self.over(entry, f"Someone has rotated {described(key)} since, so it was not revoked.")
            return
        end(self.session, entry, key.id)
        self.over(entry, f"Revoked {described(key)}, whose secret nobody had.")

    # -- a key that should end -------------------------------------------------------------------

    def _finish_revocation(self, entry: Entry, key_id: str) -> None:
        try:
            key = self._seen(key_id)
        except UnauthorizedError:
            if not is_revoked_by_itself(self.session, entry):
                raise
            self.over(entry, "The key that made the call is no longer accepted: it is revoked.")
            return
        if not is_active(key):
            self.over(entry, "The key is revoked.")
        elif key.rotation != entry.rotation:
            self.over(entry, "Someone has rotated the key since, so it was not revoked.")
        elif self.words.agrees(f"Revoke {described(key)}, as was begun?"):
            end(self.session, entry, key.id)
            self.over(entry, f"Revoked {described(key)}.")
        else:
            self.over(entry, "The key goes on working.")

    # -- what to say -----------------------------------------------------------------------------

    def over(self, entry: Entry, how: str) -> None:
        """Close the entry, and say how it ended."""
        self.session.journal.close(entry)
        self.session.say(f"{titled(entry)} is finished. {how}")


def old(key: ApiKey) -> str:
    """What became of the earlier secrets of a key."""
    until = key.previous_expires_at
    if until:
        return f"The old secret works until {local(until)}."
    return "The old secret works." if key.rotated_at is None else "No earlier secret works any more."


def titled(entry: Entry) -> str:
    return f"{entry.operation.capitalize()} {entry.name!r}"


def still_open(entry: Entry, reason: str, *, hint: str) -> LeftOpenError:
    return LeftOpenError(f"{titled(entry)} is still open. {reason}".rstrip(), hint=hint)


def elsewhere(entry: Entry) -> LeftOpenError:
    return still_open(
        entry,
        f"It is of another account, at {entry.base_url}.",
        hint=f"Finish it with a key of that account: astalty keys recover -p {entry.profile}, "
        "or with ASTALTY_API_KEY and ASTALTY_BASE_URL as they were.",
    )
