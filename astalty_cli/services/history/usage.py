"""Who used a key, and for what: the request history in groups."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from astalty_cli.api import contract
from astalty_cli.api.models import ApiRequest

Group = TypeVar("Group")

_WORD = re.compile(r"[a-z][a-z_-]{0,39}")
_LONGEST = 8  # segments of a path


class Use(Struct, frozen=True, kw_only=True):
    """Calls of one kind from one address."""

    ip_address: str | None
    method: str
    path: str
    count: int
    first: datetime
    last: datetime


class Agent(Struct, frozen=True, kw_only=True):
    """Calls with one `User-Agent`."""

    user_agent: str | None
    count: int
    first: datetime
    last: datetime


def by_address(entries: Iterable[ApiRequest]) -> list[Use]:
    """By address and path, the latest first."""
    groups = _grouped(entries, lambda entry: (entry.ip_address, entry.method, folded(entry.path)))
    found = [
        Use(ip_address=address, method=method, path=path, count=len(times), first=min(times), last=max(times))
        for (address, method, path), times in groups.items()
    ]
    return sorted(found, key=lambda use: use.last, reverse=True)


def by_user_agent(entries: Iterable[ApiRequest]) -> list[Agent]:
    """By user agent, the latest first."""
    groups = _grouped(entries, lambda entry: entry.user_agent)
    found = [
        Agent(user_agent=agent, count=len(times), first=min(times), last=max(times))
        for agent, times in groups.items()
    ]
    return sorted(found, key=lambda agent: agent.last, reverse=True)


def folded(path: str) -> str:
    """The shape of a path: `/participants/{id}/goals`. What is no plain word may name a person: `{…}`."""
    segments = path.partition("?")[0].removeprefix(contract.PREFIX).strip("/").split("/")
    shape = [_folded(segment) for segment in segments[:_LONGEST]]
    return "/" + "/".join(shape if len(segments) <= _LONGEST else [*shape, "…"])


def _folded(segment: str) -> str:
    if contract.is_uuid(segment):
        return "{id}"
    return segment if not segment or _WORD.fullmatch(segment) else "{…}"


def _grouped(
    entries: Iterable[ApiRequest], group: Callable[[ApiRequest], Group]
) -> Mapping[Group, list[datetime]]:
    groups: dict[Group, list[datetime]] = defaultdict(list)
    for entry in entries:
        groups[group(entry)].append(entry.created_at)
    return groups
