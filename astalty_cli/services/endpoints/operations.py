"""The calls that an OpenAPI document tells of, and which of them somebody means."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice

import msgspec

from astalty_cli.api.contract import PREFIX, under_prefix
from astalty_cli.base.errors import NotFoundError, ServiceError
from astalty_cli.openapi import METHODS, Json, listing, mapping, text
from astalty_cli.openapi.references import resolved_here
from astalty_cli.services.endpoints.servers import base_path

_COMPARED = 500  # operations that are looked at for near matches
_LONGEST = 100  # characters of a path that is compared
_MOST_CALLS = 100_000
_MOST_SAID = 500  # characters of a tag, a name or a summary: each may be that of all calls
_PARAMETER = re.compile(r"\{[^{}]*\}")


class Source(StrEnum):
    """Where a catalogue came from."""

    SERVICE = "service"
    FILE = "file"
    URL = "url"
    BUILT_IN = "built-in"


class Operation(msgspec.Struct, frozen=True):
    """One call. `path` is a template from the origin on: `/public/v1/participants/{participant}`."""

    tag: str | None
    method: str
    path: str
    summary: str | None
    operation_id: str | None
    deprecated: bool
    source: Source


def operations(document: Json, source: Source = Source.SERVICE) -> list[Operation]:
    """All calls: by tag, in the document's own order of tags; those without a tag come last.

    Raises ServiceError for more than anybody offers: many paths may refer to the same calls.
    """
    calls = islice(_calls(document), _MOST_CALLS + 1)
    found = [_operation(path, method, spec, source) for path, method, _, spec in calls]
    if len(found) > _MOST_CALLS:
        raise ServiceError(f"The endpoint catalogue has more than {_MOST_CALLS:,} calls.")
    declared = [text(mapping(each).get("name"))[:_MOST_SAID] for each in listing(document.get("tags"))]
    tags = dict.fromkeys([*declared, *(each.tag for each in found if each.tag)])
    order = {tag: place for place, tag in enumerate(tags)}
    return sorted(found, key=lambda each: order[each.tag] if each.tag else len(order))


def offers(found: Iterable[Operation], method: str, path: str) -> bool:
    """Whether one of them is this call, whatever its parameters are called."""
    asked = _segments(path)
    return any(each.method == method and _segments(under_prefix(each.path)) == asked for each in found)


def named_calls(found: Iterable[Operation]) -> set[tuple[str, str]]:
    """Method and path of each, below `/public/v1` and with `{id}` for every parameter, as in `contract`."""
    return {(each.method, _PARAMETER.sub("{id}", under_prefix(each.path))) for each in found}


def specification(document: Json, operation: Operation) -> Json:
    """The document's own object for the call, with the parameters of its path before its own."""
    meant = operation.path, operation.method.lower()
    item, spec = next(call[2:] for call in _calls(document) if call[:2] == meant)
    both = [*listing(item.get("parameters")), *listing(spec.get("parameters"))]
    return _servers(item) | spec | ({"parameters": both} if both else {})


def matching(found: Iterable[Operation], wanted: str) -> list[Operation]:
    """Those with this text in what names or describes them; upper and lower case are the same."""
    return [
        each
        for each in found
        if any(
            wanted.casefold() in part.casefold()
            for part in (each.method, each.path, each.summary, each.tag, each.operation_id)
            if part
        )
    ]


def find(found: Sequence[Operation], method: str, path: str) -> Operation:
    """The call that is meant by a template, whatever it calls its parameters, or by a path with ids in it.

    Raises NotFoundError, with what is near.
    """
    path = path.partition("?")[0]
    asked = [_segments(path), _segments(under_prefix(path))]
    templates = [(_segments(each.path), each) for each in found]
    at_path = [each for segments, each in templates if segments in asked]
    fitting = [pair for pair in templates if any(_fit(pair[0], wanted) for wanted in asked)]
    at_path += [each for _, each in sorted(fitting, key=lambda pair: "".join(pair[0]).count("{}"))]
    for each in at_path:
        if each.method == method:
            return each
    others = ", ".join(dict.fromkeys(each.method for each in at_path))
    if others:
        raise NotFoundError(
            f"There is no {method} {path} in this catalogue.", hint=f"That path has: {others}."
        )
    raise NotFoundError(f"There is no {method} {path} in this catalogue.", hint=_near(found, method, path))


def _near(found: Sequence[Operation], method: str, path: str) -> str:
    names = (f"{each.method} {_short(each.path)}" for each in found if len(each.path) <= _LONGEST)
    wanted = f"{method} /{_short(path).strip('/')}"[: 2 * _LONGEST]
    near = difflib.get_close_matches(wanted, islice(names, _COMPARED), n=3, cutoff=0.7)
    return f"Near it: {'; '.join(near)}." if near else "See what there is: astalty endpoints list"


def _short(path: str) -> str:
    return path.removeprefix(PREFIX)


def _calls(document: Json) -> Iterator[tuple[str, str, Json, Json]]:
    """Path, method, the object of the path, and that of the call.

    Many paths may refer to one large object: nothing is copied of it, and it is gone through once.
    """
    methods: dict[int, list[str]] = {}
    for path, given in mapping(document.get("paths")).items():
        if not path.startswith("/"):
            continue
        item = mapping(resolved_here(document, given))
        if id(item) not in methods:
            methods[id(item)] = [name for name in item if name in METHODS and isinstance(item[name], dict)]
        for method in methods[id(item)]:
            spec = item[method]
            holder = spec if "servers" in spec else item
            yield base_path(document, holder) + path, method, item, spec


def _servers(item: Json) -> Json:
    return {"servers": item["servers"]} if "servers" in item else {}


def _operation(path: str, method: str, spec: Json, source: Source) -> Operation:
    first_line = text(spec.get("description"))[:_MOST_SAID].strip().partition("\n")[0]
    return Operation(
        tag=next((each[:_MOST_SAID] for each in listing(spec.get("tags")) if text(each)), None),
        method=method.upper(),
        path=path,
        summary=text(spec.get("summary"))[:_MOST_SAID] or first_line or None,
        operation_id=text(spec.get("operationId"))[:_MOST_SAID] or None,
        deprecated=spec.get("deprecated") is True,
        source=source,
    )


def _segments(path: str) -> list[str]:
    """The parts of a path, with `{}` for each parameter: what they are called tells nothing."""
    return [_PARAMETER.sub("{}", part) for part in path.strip("/").split("/")]


def _fit(template: list[str], parts: list[str]) -> bool:
    return len(template) == len(parts) and all(map(_fits, template, parts))


def _fits(template: str, part: str) -> bool:
    before, parameter, _ = template.partition("{}")
    after = template.rpartition("{}")[2]
    if not parameter:
        return part == template
    return len(part) > len(before) + len(after) and part.startswith(before) and part.endswith(after)
