"""One operation of the document: its line in the list, and what the line opens to."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from astalty_cli.api import contract
from astalty_cli.openapi import Json, body, parameters, schema_of
from astalty_cli.openapi.examples import example, required_part
from astalty_cli.openapi.schemas import Member, members, of_parameter
from astalty_cli.openapi.words import choices, described, kind, limits
from astalty_cli.sandbox.dashboard.lines import ready
from astalty_cli.sandbox.dashboard.markup import Html, join, prose, tag

_PLACES = {"path": "In the path", "query": "Query", "header": "Headers"}


@dataclass(frozen=True)
class Endpoint:
    """An operation as the document has it, with its references in place."""

    method: str
    path: str
    operation: Json

    @property
    def name(self) -> str:
        name: str = self.operation["operationId"]
        return name

    @property
    def words(self) -> str:
        """What a search looks in."""
        taken = (*map(of_parameter, parameters(self.operation)), *self._body_members)
        about = (self.method, self.path, self.operation["summary"], self.name, *self.operation["tags"])
        return " ".join((*about, *(f"{each.name} {described(each.schema)}" for each in taken))).lower()

    @property
    def entry(self) -> Html:
        """Its line in the sidebar."""
        text = tag("span", self.operation["summary"])
        return tag("li", tag("a", _badge(self.method), text, href=f"#{self.name}"), class_="entry")

    @property
    def section(self) -> Html:
        """The anchor is inside of what is closed, so a link to it opens it, also without a script."""
        line = tag("h3", _badge(self.method), _path(self.path))
        summary = tag("summary", line, tag("span", self.operation["summary"], class_="what"))
        opened = tag("div", self._description, self._tables, self._code, class_="body", id=self.name)
        return tag("details", summary, opened, class_="endpoint", data_words=self.words)

    @property
    def _body(self) -> Json:
        """Empty where the request has none."""
        return _content(self.operation.get("requestBody", {}))

    @property
    def _body_members(self) -> list[Member]:
        return list(members(schema_of(self._body)))

    @property
    def _description(self) -> Html:
        text = self.operation.get("description", "")
        return tag("p", prose(text), class_="about") if text else join()

    @property
    def _tables(self) -> Html:
        placed = [(each["in"], of_parameter(each)) for each in parameters(self.operation)]
        tables = [
            _table(heading, [each for its, each in placed if its == place])
            for place, heading in _PLACES.items()
        ]
        return tag("div", *tables, _table("Body", self._body_members), self._answers, class_="tables")

    @property
    def _answers(self) -> Html:
        answers = self.operation["responses"].items()
        good = [_answer(status, answer) for status, answer in answers if status < "300"]
        refusals = [
            join(tag("dt", status), tag("dd", prose(answer["description"])))
            for status, answer in answers
            if status >= "300"
        ]
        return join(
            tag("h4", "Answer"), *good, tag("h4", "Refusals"), tag("dl", *refusals, class_="refusals")
        )

    @property
    def _code(self) -> Html:
        sent = example(self._body, sent=True)
        shortest = required_part(schema_of(self._body), sent) or {}
        lines = ready(self.method, self.path + self._query, shortest)
        blocks = [_code(program, line) for program, line in lines.items()]
        if sent:
            blocks.append(_code("Body", _pretty(sent)))
        for status, answer in self.operation["responses"].items():
            given = example(_content(answer), sent=False)
            if given and status < "300":
                blocks.append(_code(f"Answer · {status}", _pretty(given)))
        return tag("div", *blocks, class_="code")

    @property
    def _query(self) -> str:
        is_list = any(each["name"] == contract.PAGE_SIZE for each in parameters(self.operation))
        return f"?{contract.PAGE_SIZE}=5" if is_list else ""


def _content(holder: Json) -> Json:
    """The content of a request or an answer; empty if it has none."""
    found = body(holder)
    return found[1] if found else {}


def _badge(method: str) -> Html:
    return tag("span", method, class_=f"method {method.lower()}")


def _path(path: str) -> Html:
    """The path, with its variables marked, and places to break it where the window is narrow."""
    pieces: list[Html] = []
    for step in path.removeprefix("/").split("/"):
        is_variable = step.startswith("{")
        pieces += [Html("/<wbr>"), tag("var", step) if is_variable else join(step)]
    return tag("code", *pieces, class_="path")


def _table(heading: str, taken: Sequence[Member]) -> Html:
    return join(tag("h4", heading), tag("ul", *map(_taken, taken), class_="fields")) if taken else join()


def _answer(status: str, answer: Json) -> Html:
    said = tag("p", tag("span", status, class_="status"), " ", prose(answer["description"]))
    given = members(schema_of(_content(answer)))
    return join(said, tag("ul", *map(_given, given), class_="fields"))


def _taken(member: Member) -> Html:
    """What the caller gives."""
    mark = tag("span", "required", class_="required") if member.required else join()
    return tag("li", *_about(member, mark), *_inner(member, _taken))


def _given(member: Member) -> Html:
    """What the service gives."""
    mark = join() if member.required else tag("span", "may be absent", class_="kind")
    return tag("li", *_about(member, mark), *_inner(member, _given))


def _about(member: Member, mark: Html) -> Iterator[Html]:
    name, schema = member.name, member.schema
    wanted = " · ".join((kind(schema), *limits(schema)))
    yield tag("div", tag("code", name), tag("span", wanted, class_="kind"), mark, class_="marks")
    if said := described(schema):
        yield tag("p", prose(said))
    if values := choices(schema):
        yield tag("p", *(tag("code", value) for value in values), class_="choices")


def _inner(member: Member, each: Callable[[Member], Html]) -> Iterator[Html]:
    if held := list(members(member.schema)):
        listed = tag("ul", *map(each, held), class_="fields")
        yield tag("details", tag("summary", "Fields of ", tag("code", member.name)), listed)


def _code(label: str, text: str) -> Html:
    copy = tag("button", "Copy", type="button", class_="copy", aria_label=f"Copy: {label}", hidden="")
    caption = tag("figcaption", label, copy)
    return tag("figure", caption, tag("pre", tag("code", text)))


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
