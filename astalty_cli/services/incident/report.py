"""The report of an incident: as data, as JSON, and in Markdown.

It goes to people who may see neither secrets nor the persons in the account's data. So every text in it
passes `redacted`, and in Markdown no text can be more than a text.
"""

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

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

_PART = r"[^\s@<>()\[\],;:|]"
_EMAIL = re.compile(rf"(?<!{_PART}){_PART}++@{_PART}++")  # not from the middle of a word: that is quadratic
_SIGNS = re.compile(r"[\\`*_{}\[\]<>()#+!|~&$@=]|:(?=//)|(?<=www)\.", re.IGNORECASE)

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
    """A key that was created or rotated; `key` is it now, or None if nobody can tell."""

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


def redacted(incident: Incident) -> Incident:
    """The same without a secret or an email address in any of its texts, whoever put one there."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: clean(each) for name, each in value.items()}
        if isinstance(value, list):
            return [clean(each) for each in value]
        return _clean(value) if isinstance(value, str) else value

    return msgspec.convert(clean(msgspec.to_builtins(incident)), Incident)


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
    """Write both forms, 0600 and over no other file. `visible` spells out what a reader would not see."""
    key_id = incident.keys[0].id
    short = key_id[:8] if contract.is_uuid(key_id) else "unknown"  # a server's text is no file name
    stem = f"astalty-incident-{now:%Y%m%dT%H%M%SZ}-{short}"
    files = ReportFiles(folder.absolute() / f"{stem}.md", folder.absolute() / f"{stem}.json")
    private_files.create_private(files.markdown, Markdown(incident, now, visible).text().encode())
    data = json.dumps(msgspec.to_builtins(incident), indent=2) + "\n"
    private_files.create_private(files.data, data.encode())
    return files


class Markdown:
    """A report in Markdown: headings and tables of ours, cells that can be nothing else."""

    def __init__(self, incident: Incident, now: datetime, visible: Callable[[str], str]) -> None:
        self._incident, self._now, self._visible = incident, now, visible

    def text(self) -> str:
        incident = self._incident
        worked = "still worked" if incident.worked else "no longer worked"
        return "\n".join(
            [
                "# A leaked API key",
                "",
                f"Written by `astalty keys panic`, {_time(self._now)}. It holds no secret, body or query.",
                "",
                f"Account {self._cell(incident.account_id)}. The leaked secret {worked}. Its end: "
                + self._cell(incident.leaked_secret_ended_in),
                "",
                *self._section("The key", self._keys()),
                *self._section("What was done (times of the machine that did it)", self._steps()),
                *self._section(
                    f"Use since {_time(incident.since)}: {incident.calls} calls", self._uses(incident.uses)
                ),
                *self._section(
                    f"Use since {_time(incident.started_at)}, the start of the command, with its own calls",
                    self._uses(incident.uses_meanwhile),
                ),
                *self._section("User agents", self._agents()),
                *self._section(
                    "Keys that it created or rotated, and keys that those created", self._touched()
                ),
                *self._section("What is not known", [f"- {self._cell(each)}" for each in incident.not_known]),
            ]
        )

    def _section(self, title: str, lines: list[str]) -> list[str]:
        return [f"## {title}", "", *(lines or ["None."]), ""]

    def _keys(self) -> list[str]:
        return self._table(
            ["name", "id", "ends in", "access", "status", "created", "rotated", "revoked"],
            [
                [
                    *(key.name, key.id, key.last_four, access_name(key.access), key.status),
                    *map(_time, (key.created_at, key.rotated_at, key.revoked_at)),
                ]
                for key in self._incident.keys
            ],
        )

    def _steps(self) -> list[str]:
        return self._table(["time", "what"], [[_time(step.at), step.what] for step in self._incident.steps])

    def _uses(self, uses: Iterable[Use]) -> list[str]:
        return self._table(
            ["address", "call", "times", "first", "last"],
            [
                [
                    *(use.ip_address or "unknown", f"{use.method} {use.path}", str(use.count)),
                    *map(_time, (use.first, use.last)),
                ]
                for use in uses
            ],
        )

    def _agents(self) -> list[str]:
        return self._table(
            ["user agent", "times", "first", "last"],
            [
                [agent.user_agent or "none", str(agent.count), _time(agent.first), _time(agent.last)]
                for agent in self._incident.user_agents
            ],
        )

    def _touched(self) -> list[str]:
        return self._table(
            ["how", "when", "from", "by key", "its secret ended in", "key", "name", "status now", "entry"],
            [
                [
                    *(each.how, _time(each.at), each.ip_address or "unknown", each.by),
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

    def _table(self, heads: list[str], rows: list[list[str]]) -> list[str]:
        if not rows:
            return []
        cells = [heads, ["---"] * len(heads), *([self._cell(text) for text in row] for row in rows)]
        return [f"| {' | '.join(row)} |" for row in cells]

    def _cell(self, text: str) -> str:
        """One line that no renderer takes for a cell's end, a link, an image or HTML."""
        return _SIGNS.sub(r"\\\g<0>", self._visible(text))


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "–"
