"""The report of a leaked secret whose key is on a web page: its times, and what to look at there.

The key has no id that the request history could be asked for. So the report says which filters of the page
show what was done with it.
"""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from astalty_cli.api.identity import LOCAL
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import iso, utc_now
from astalty_cli.base.vocabulary import access_name
from astalty_cli.config.record import RecordedKey
from astalty_cli.services.incident.markdown import MarkdownText, time_text
from astalty_cli.services.incident.report import ReportFiles, Step, redacted, write_files

_SHORT: Final = re.compile(r"[0-9a-f]{8}")


class HandKey(Struct, frozen=True, kw_only=True):
    """The key of the leaked secret, as the record has it. `name` is None if it does not have it."""

    name: str | None
    page_name: str | None
    last_four: str
    access: str | None


class HistoryFilter(Struct, frozen=True):
    """A filter of the request history's page: what to set it to, and what that shows."""

    filter: str
    set_to: str
    shows: str


class HandIncident(Struct, frozen=True, kw_only=True):
    """`worked` is what was seen at `started_at`; `rejected_at` is None until its end is verified."""

    leaked_secret_ended_in: str
    worked: bool
    rejected_at: datetime | None
    key: HandKey
    replaced_by_key_ending_in: str | None
    since: datetime
    started_at: datetime
    steps: list[Step]
    history_page: str
    history_is_offered: bool
    history_filters: list[HistoryFilter]
    not_known: list[str]


def filters(key: RecordedKey, since: datetime, rejected_at: datetime | None) -> list[HistoryFilter]:
    """What to set on the page, from the leaked key's use to what else came from the same addresses."""
    which = key.page_name or (f"the key that ends in {key.last_four}" if key.last_four else "the leaked key")
    end = f"; none should come after {time_text(rejected_at)}" if rejected_at else ""
    return [
        HistoryFilter("API key", which, "what was done with the leaked key"),
        HistoryFilter("From", time_text(since), "the time that this report is about"),
        HistoryFilter("Status", "successful (2xx)", f"what was read and changed with it{end}"),
        HistoryFilter("Status", "failed (4xx)", "what was tried with it, also after its end"),
        HistoryFilter(
            "IP address",
            "each address that is not yours, without the API key",
            "what else was done from there, with other keys",
        ),
    ]


def write(incident: HandIncident, key_id: str, folder: Path, visible: Callable[[str], str]) -> ReportFiles:
    """Write both forms without a secret in them. Raises LocalError."""
    now, short = utc_now(), key_id.removeprefix(LOCAL)[:8]
    clean = redacted(incident)
    text = _Markdown(clean, now, visible).text()
    return write_files(clean, text, short if _SHORT.fullmatch(short) else "unknown", folder, now)


class _Markdown(MarkdownText):
    def __init__(self, incident: HandIncident, now: datetime, visible: Callable[[str], str]) -> None:
        super().__init__(visible)
        self._incident, self._now = incident, now

    def text(self) -> str:
        incident = self._incident
        return "\n".join(
            [
                "# A leaked API key",
                "",
                self.written_by(self._now, "It holds no secret."),
                "",
                *self._state(),
                "",
                *self.section("The key", self._key()),
                *self.section(
                    "What was done (times of the machine that did it)",
                    self.table(
                        ["time", "what"], [[time_text(each.at), each.what] for each in incident.steps]
                    ),
                ),
                *self.section("What to look at", self._look()),
                *self.section("What is not known", [f"- {self.cell(each)}" for each in incident.not_known]),
            ]
        )

    def _state(self) -> list[str]:
        incident = self._incident
        ends = self.cell(incident.leaked_secret_ended_in or "unknown")
        worked = "still worked" if incident.worked else "no longer worked"
        now = (
            f"It was verified at {time_text(incident.rejected_at)} that the service rejects it."
            if incident.rejected_at
            else "**It is not verified that it has ended: it may still work.**"
        )
        return [f"The leaked secret {worked} when the command began. Its end: {ends}. {now}"]

    def _key(self) -> list[str]:
        key = self._incident.key
        return self.table(
            ["name in the record", "name on the web page", "ends in", "access", "replaced by"],
            [
                [
                    key.name or "not recorded",
                    key.page_name or "unknown",
                    key.last_four or "unknown",
                    access_name(key.access),
                    self._replacement(),
                ]
            ],
        )

    def _replacement(self) -> str:
        ends = self._incident.replaced_by_key_ending_in
        return "nothing" if ends is None else f"the key that ends in {ends}"

    def _reading(self) -> str:
        if not self._incident.history_is_offered:
            return "`astalty` can't read that of this service."
        read = command("astalty history list --all --since", iso(self._incident.since))
        return f"`{read}` has all of that time."

    def _look(self) -> list[str]:
        rows = [[each.filter, each.set_to, each.shows] for each in self._incident.history_filters]
        page = self.cell(self._incident.history_page)
        return [
            f"The request history in the web app: {page}. {self._reading()}",
            "Set its filters like this; the page may name them differently.",
            "",
            *self.table(["filter", "set it to", "shows"], rows),
        ]
