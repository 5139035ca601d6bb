"""The report of an incident: as data, as JSON, and in Markdown.

It goes to people who may see neither secrets nor the persons in the account's data. So every text in it
passes `redacted`, and in Markdown no text can be more than a text.
"""

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from astalty_cli.api import contract
from astalty_cli.api.models import ApiKey
from astalty_cli.base import private_files
from astalty_cli.base.errors import brief
from astalty_cli.base.hiding import hide
from astalty_cli.base.vocabulary import KeyStatus, access_name
from astalty_cli.services.history.usage import Agent, Use
from astalty_cli.services.incident.evidence import KeyEvent, KeyEventKind
from astalty_cli.services.incident.markdown import MarkdownText, time_text

AnyIncident = TypeVar("AnyIncident", bound=Struct)

_PART = r"[^\s@<>()\[\],;:|]"
_EMAIL = re.compile(rf"(?<!{_PART}){_PART}++@{_PART}++")  # not from the middle of a word: that is quadratic

_LONGEST = 2_000  # characters of a text


class KeyFacts(Struct, frozen=True, kw_only=True):
    """A key without the person who created it. `last_four` is of its newest secret."""

    id: str
    name: str
    last_four: str
    access: str | None
    status: KeyStatus
    created_at: datetime
    rotated_at: datetime | None
    revoked_at: datetime | None


class Touched(Struct, frozen=True, kw_only=True):
    """A key that was created or rotated; `key` is its present state, None if unknown."""

    how: KeyEventKind
    at: datetime
    ip_address: str | None
    by: str
    with_secret_ending_in: str
    entry_id: str
    key: KeyFacts | None


class Step(Struct, frozen=True):
    """What was done, at a time of this machine's clock."""

    at: datetime
    what: str


class Incident(Struct, frozen=True, kw_only=True):
    """All that is known. `keys` are those that the leaked secret is of, or may have been of.

    `uses` and `calls` end at `started_at`; what came later is in `uses_meanwhile`, with the command's own.
    """

    account_id: str
    leaked_secret_ended_in: str
    worked: bool
    keys: list[KeyFacts]
    since: datetime
    started_at: datetime
    steps: list[Step]
    calls: int
    uses: list[Use]
    uses_meanwhile: list[Use]
    user_agents: list[Agent]
    made_or_rotated: list[Touched]
    revoked: list[str]
    not_known: list[str]


def facts(key: ApiKey) -> KeyFacts:
    return KeyFacts(**{name: getattr(key, name) for name in KeyFacts.__struct_fields__})


def touched(events: Iterable[KeyEvent], keys: Iterable[ApiKey]) -> list[Touched]:
    by_id = {key.id: facts(key) for key in keys}
    return [
        Touched(
            how=event.how,
            at=event.at,
            ip_address=event.ip_address,
            by=event.by,
            with_secret_ending_in=event.ends_in,
            entry_id=event.entry_id,
            key=by_id.get(event.key_id or ""),
        )
        for event in events
    ]


def redacted(incident: AnyIncident) -> AnyIncident:
    """The same without a secret or an email address in any of its texts, whoever put one there."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: clean(each) for name, each in value.items()}
        if isinstance(value, list):
            return [clean(each) for each in value]
        return _clean(value) if isinstance(value, str) else value

    return msgspec.convert(clean(msgspec.to_builtins(incident)), type(incident))


def _clean(text: str) -> str:
    return _EMAIL.sub("[email]", brief(hide(text), _LONGEST))


class ReportFiles(NamedTuple):
    """Where a report is."""

    markdown: Path
    data: Path

    def summary(self) -> str:
        """Where it is, for people."""
        return f"The incident report: {self.markdown}, and as data: {self.data.name}"


def write(incident: Incident, folder: Path, now: datetime, visible: Callable[[str], str]) -> ReportFiles:
    """As `write_files`. `visible` spells out what a reader would not see."""
    key_id = incident.keys[0].id
    short = key_id[:8] if contract.is_uuid(key_id) else "unknown"  # a server's text is no file name
    return write_files(incident, Markdown(incident, now, visible).text(), short, folder, now)


def write_files(incident: Struct, text: str, short: str, folder: Path, now: datetime) -> ReportFiles:
    """Write both forms, 0600 and over no other file; `short` ends their names. Raises LocalError."""
    stem = f"astalty-incident-{now:%Y%m%dT%H%M%SZ}-{short}"
    files = ReportFiles(folder.absolute() / f"{stem}.md", folder.absolute() / f"{stem}.json")
    private_files.create_private(files.markdown, text.encode())
    data = json.dumps(msgspec.to_builtins(incident), indent=2) + "\n"
    private_files.create_private(files.data, data.encode())
    return files


class Markdown(MarkdownText):
    """The report of an incident, from the keys and the history that the service returned."""

    def __init__(self, incident: Incident, now: datetime, visible: Callable[[str], str]) -> None:
        super().__init__(visible)
        self._incident, self._now = incident, now

    def text(self) -> str:
        incident = self._incident
        worked = "still worked" if incident.worked else "no longer worked"
        return "\n".join(
            [
                "# A leaked API key",
                "",
                self.written_by(self._now, "It holds no secret, body or query."),
                "",
                f"Account {self.cell(incident.account_id)}. The leaked secret {worked}. Its end: "
                + self.cell(incident.leaked_secret_ended_in),
                "",
                *self.section("The key", self._keys()),
                *self.section("What was done (times of the machine that did it)", self._steps()),
                *self.section(
                    f"Use since {time_text(incident.since)}: {incident.calls} calls",
                    self._uses(incident.uses),
                ),
                *self.section(
                    f"Use since {time_text(incident.started_at)}, the start of the command, "
                    "with its own calls",
                    self._uses(incident.uses_meanwhile),
                ),
                *self.section("User agents", self._agents()),
                *self.section(
                    "Keys that it created or rotated, and keys that those created", self._touched()
                ),
                *self.section("What is not known", [f"- {self.cell(each)}" for each in incident.not_known]),
            ]
        )

    def _keys(self) -> list[str]:
        return self.table(
            ["name", "id", "ends in", "access", "status", "created", "rotated", "revoked"],
            [
                [
                    *(key.name, key.id, key.last_four, access_name(key.access), key.status),
                    *map(time_text, (key.created_at, key.rotated_at, key.revoked_at)),
                ]
                for key in self._incident.keys
            ],
        )

    def _steps(self) -> list[str]:
        return self.table(
            ["time", "what"], [[time_text(step.at), step.what] for step in self._incident.steps]
        )

    def _uses(self, uses: Iterable[Use]) -> list[str]:
        return self.table(
            ["address", "call", "times", "first", "last"],
            [
                [
                    *(use.ip_address or "unknown", f"{use.method} {use.path}", str(use.count)),
                    *map(time_text, (use.first, use.last)),
                ]
                for use in uses
            ],
        )

    def _agents(self) -> list[str]:
        return self.table(
            ["user agent", "times", "first", "last"],
            [
                [agent.user_agent or "none", str(agent.count), time_text(agent.first), time_text(agent.last)]
                for agent in self._incident.user_agents
            ],
        )

    def _touched(self) -> list[str]:
        return self.table(
            ["how", "when", "from", "by key", "its secret ended in", "key", "name", "status now", "entry"],
            [
                [
                    *(each.how, time_text(each.at), each.ip_address or "unknown", each.by),
                    each.with_secret_ending_in or "unknown",
                    *self._now_is(each.key),
                    each.entry_id,
                ]
                for each in self._incident.made_or_rotated
            ],
        )

    def _now_is(self, key: KeyFacts | None) -> list[str]:
        if key is None:
            return ["unknown"] * 3
        return [key.id, key.name, "revoked just now" if key.id in self._incident.revoked else key.status]
