"""Finishing what a crash, a lost answer or a failed destination has left open (`keys recover`).

What the journal says may be one step behind what happened, so each entry is compared with the service and
with every destination that can be read. Nothing is guessed: if only the user can know whether a secret has
arrived, the user is asked, and without an answer the entry stays open. Each step is itself in the
journal, so that a recovery can be interrupted anywhere and run again.
"""

from dataclasses import dataclass

import msgspec

from astalty_cli.api.identity import identity_of
from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import (
    AstaltyError,
    ForbiddenError,
    InterruptedByUser,
    LeftOpenError,
    LocalError,
    NotFoundError,
    RefusedError,
    UnauthorizedError,
)
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import quoted
from astalty_cli.base.signals import deferred
from astalty_cli.base.times import local
from astalty_cli.config.journal import JournalEntry, Operation, Phase
from astalty_cli.config.record import Ending
from astalty_cli.services.keys.creation import at_risk_text
from astalty_cli.services.keys.finder import described, is_active
from astalty_cli.services.keys.guards import Guards
from astalty_cli.services.keys.in_place import InPlace
from astalty_cli.services.keys.issuer import NewSecret
from astalty_cli.services.keys.issuing import Issuing
from astalty_cli.services.keys.lost_creation import LostCreation
from astalty_cli.services.keys.recovery_destinations import Found, into
from astalty_cli.services.keys.recovery_steps import (
    RecoverySteps,
    abandon_hint,
    elsewhere,
    old_secret_text,
    still_open,
    title_of,
)
from astalty_cli.services.keys.revoking import as_shown, end, is_revoked_by_itself
from astalty_cli.services.keys.rotation import RotationFinish


@dataclass(frozen=True)
class Recovery(RecoverySteps):
    """Finishes or undoes one entry at a time, of the session's account; the caller holds its lock.

    `variable` is the key in the environment: a revocation must not end what is in use.
    """

    variable: Secret | None = None

    def run(self, entry: JournalEntry) -> None:
        """Raises LeftOpenError if the entry stays open: it says why, and what to do."""
        try:
            self.operation.holders.clear_leftovers()
            self._ensure_this_account(entry)
            self._finish(entry)
        except LeftOpenError:
            raise
        except AstaltyError as error:
            if not self._is_closed(entry):
                hint = abandon_hint(entry) if isinstance(error, NotFoundError) else error.hint
                raise still_open(entry, error.message, hint=hint) from None
            self.operation.say(f"{title_of(entry)} is finished: nothing is left to do. {error.message}")
        except KeyboardInterrupt:
            left = "" if self._is_closed(entry) else f" {title_of(entry)} is still open."
            raise InterruptedByUser(f"Interrupted.{left}") from None

    def _is_closed(self, entry: JournalEntry) -> bool:
        try:
            return self.operation.journal.read(entry.id) is None
        except LocalError:
            return False

    def _ensure_this_account(self, entry: JournalEntry) -> None:
        try:
            here = (self.operation.origin, self.operation.own.account.id)
        except UnauthorizedError:
            return  # a destination that can be read may hold a secret that works
        if here != (entry.base_url, entry.account_id):
            raise elsewhere(entry)

    def _finish(self, entry: JournalEntry) -> None:
        if entry.operation is Operation.REVOKE:
            self._finish_revocation(entry, entry.key_id or "")
        elif entry.key_id is None:
            LostCreation(self.operation, self.destinations, self.prompts).finish(entry)
        else:
            self._finish_secret(entry, entry.key_id)

    # -- a secret that was made, or may have been ------------------------------------------------

    def _finish_secret(self, entry: JournalEntry, key_id: str) -> None:
        found = self.destinations.newest(entry)
        if found is not None:
            self._go_on_from(entry, found)
            return
        key = self.seen(entry, key_id)
        if not is_active(key):
            self.close(entry, "The key is revoked.")
        elif key.rotation > entry.rotation + 1:
            self.close(
                entry,
                "Someone else has rotated the key since; "
                "the secret of this operation works for their grace period.",
            )
        elif entry.phase is Phase.VERIFIED:
            self._end_the_old(entry, key)
        elif entry.phase is not Phase.ASKED:
            if not self._has_arrived(entry, key):
                self.issue_again(entry, key)
        elif key.rotation == entry.rotation and self.is_old(entry) and not entry.lost:
            self.close(entry, "The service never got the request: the key is as it was.")
        elif key.rotation == entry.rotation or not self.is_old(entry) or self._is_ours(entry, key):
            self.issue_again(entry, key)

    def _end_the_old(self, entry: JournalEntry, key: ApiKey) -> None:
        """All was done but the last step: the secret was delivered, verified, and is where it is used."""
        if self.prompts.confirm(f"Finish the rotation of {described(key)} and set the old secret to expire?"):
            client = self.operation.fresh()
            self.say_rotation_finished(InPlace(self.operation).expire_previous(entry, key, client, client))
        else:
            raise still_open(entry, "", hint=f"Finish it: {self.operation.recover}")

    def _go_on_from(self, entry: JournalEntry, found: Found) -> None:
        missing, whose = self.destinations.missing(entry, found.secret), described(found.key.value)
        also = f", save it {into(missing)} as well," if missing else ""
        if not self.prompts.confirm(f"The newest secret of {whose} is here: use it{also} and finish?"):
            raise still_open(entry, "", hint=f"Finish it: {self.operation.recover}")
        self.destinations.ensure_newest(entry, found)
        self.destinations.probe(missing, found.key.value, entry)
        entry = msgspec.structs.replace(entry, delivered=self.destinations.having(entry, found.secret))
        issuer = InPlace(self.operation)
        with deferred(self.operation.warn, at_risk_text(entry.name)) as signals:
            new = Issuing(self.operation, issuer, missing).hand_over(
                NewSecret(entry, identity_of(found.key), found.secret)
            )
        signals.obey()
        if entry.operation is Operation.ROTATE:
            self.say_rotation_finished(RotationFinish(self.operation, issuer).run(new))
        else:
            self.close(entry, f"The secret of {whose} is saved.")

    def _is_ours(self, entry: JournalEntry, key: ApiKey) -> bool:
        """Whether the rotation that the key has seen is this one: past 24 hours no replay can tell."""
        when = f" on {local(key.rotated_at)}" if key.rotated_at else ""
        known = self.prompts.ask(f"{described(key)} was rotated{when}. Was it this command, and nobody else?")
        if known is None:
            raise still_open(
                entry,
                f"{described(key)} was rotated{when}, and the service no longer knows by whom.",
                hint=f"Run {self.operation.recover} on a terminal and say who it was.",
            )
        if not known:
            self.close(entry, "Someone else rotated the key.")
        return known

    def _has_arrived(self, entry: JournalEntry, key: ApiKey) -> bool:
        """Whether the secret is in destinations that cannot be read; then the entry is finished with that."""
        places = ", ".join(self.destinations.to_ask_about(entry))
        if not places:
            return False
        known = self.prompts.ask(
            f"Do you have the new secret of {described(key)}, or was it saved ({places})? "
            "If not, a new one is created."
        )
        if known is None:
            raise still_open(
                entry,
                f"The new secret of {described(key)} may have been saved ({places}). Only a person can tell.",
                hint=f"Run {self.operation.recover} on a terminal. To create another secret instead: "
                f"{self.operation.recover} --yes --to DESTINATION",
            )
        if known:
            self._finish_on_word(entry, key)
        return known

    def _finish_on_word(self, entry: JournalEntry, key: ApiKey) -> None:
        """Finish without having the secret. Nothing is ended then: it was not verified."""
        holding = self.operation.holders.holding(key.id)
        if entry.operation is Operation.CREATE:
            self.close(entry, "The secret was saved.")
        elif holding:
            raise still_open(
                entry,
                f"The profile {holding[0]!r} needs the new secret too.",
                hint=f"Sign in with it: astalty auth login -p {quoted(holding[0])}. "
                f"Then: {self.operation.recover}",
            )
        else:
            self.close(
                entry,
                "The secret was saved but not verified, so the old one was left alone. "
                f"{old_secret_text(key)}",
            )

    # -- a key that should end -------------------------------------------------------------------

    def _finish_revocation(self, entry: JournalEntry, key_id: str) -> None:
        try:
            key = self.seen(entry, key_id)
        except ForbiddenError:
            raise
        except UnauthorizedError:
            if not is_revoked_by_itself(self.operation, entry):
                raise
            self.operation.record.ended(key_id, Ending.REVOKED)
            self.close(entry, "The key that made the call is no longer accepted: it is revoked.")
            return
        if not is_active(key):
            self.operation.record.ended(key_id, Ending.REVOKED)
            self.close(entry, "The key is revoked.")
        elif key.rotation != entry.rotation:
            self.close(entry, "Someone has rotated the key since, so it was not revoked.")
        elif self.prompts.confirm(f"Finish revoking {described(key)}?"):
            self._ensure_allowed(entry, as_shown(self.operation, key))
            end(self.operation, entry, key.id)
            self.close(entry, f"Revoked {described(key)}.")
        else:
            self.close(entry, "The key still works.")

    def _ensure_allowed(self, entry: JournalEntry, key: ApiKey) -> None:
        try:
            Guards.of(self.operation, self.variable, entry).refuse(key)
        except RefusedError as error:
            error.hint = f"If you mean it, with the flag for it: astalty keys revoke {quoted(key.id)}"
            raise
