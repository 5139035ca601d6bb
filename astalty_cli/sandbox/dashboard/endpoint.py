"""One operation of the document: its line in the list, and what the line opens to."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from astalty_cli.api import contract
from astalty_cli.sandbox.dashboard.lines import ready
from astalty_cli.sandbox.dashboard.markup import Html, join, prose, tag
from astalty_cli.sandbox.dashboard.schemas import Field, Json, Schemas

_PLACES = {"path": "In the path", "query": "Query", "header": "Headers"}


@dataclass(frozen=True)
class Endpoint:
    """An operation as the document has it."""

    method: str
    path: str
    operation: Json
    schemas: Schemas

    @property
    def name(self) -> str:
        name: str = self.operation["operationId"]
        return name

    @property
    def words(self) -> str:
        """What a search looks in."""
        described = [f"{each.name} {each.description}" for each in (*self._parameters, *self._body_fields)]
        about = (self.method, self.path, self.operation["summary"], self.name, *self.operation["tags"])
        return " ".join((*about, *described)).lower()

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
        body = tag("div", self._description, self._tables, self._code, class_="body", id=self.name)
        return tag("details", summary, body, class_="endpoint", data_words=self.words)

    @cached_property
    def _parameters(self) -> list[Field]:
        return [
            self.schemas.field(
                each["name"],
                each["schema"],
                required=each["required"],
                description=each.get("description", ""),
            )
            for each in self.operation["parameters"]
        ]

    @property
    def _body(self) -> Json:
        """The schema of the request's body; empty where it has none."""
        return _json_schema(self.operation.get("requestBody", {}))

    @property
    def _body_fields(self) -> tuple[Field, ...]:
        return self.schemas.fields(self._body)

    @property
    def _description(self) -> Html:
        text = self.operation.get("description", "")
        return tag("p", prose(text), class_="about") if text else join()

    @property
    def _tables(self) -> Html:
        places = [each["in"] for each in self.operation["parameters"]]
        tables = [
            _table(
                heading, [each for each, its in zip(self._parameters, places, strict=True) if its == place]
            )
            for place, heading in _PLACES.items()
        ]
        return tag("div", *tables, _table("Body", self._body_fields), self._answers, class_="tables")

    @property
    def _answers(self) -> Html:
        answers = {
            status: self.schemas.resolve(answer) for status, answer in self.operation["responses"].items()
        }
        good = [self._answer(status, answer) for status, answer in answers.items() if status < "300"]
        refusals = [
            join(tag("dt", status), tag("dd", prose(answer["description"])))
            for status, answer in answers.items()
            if status >= "300"
        ]
        return join(
            tag("h4", "Answer"), *good, tag("h4", "Refusals"), tag("dl", *refusals, class_="refusals")
        )

    def _answer(self, status: str, answer: Json) -> Html:
        said = tag("p", tag("span", status, class_="status"), " ", prose(answer["description"]))
        fields = self.schemas.fields(_json_schema(answer))
        return join(said, tag("ul", *map(_given, fields), class_="fields"))

    @property
    def _code(self) -> Html:
        lines = ready(self.method, self.path + self._query, self._shortest_body)
        blocks = [_code(program, line) for program, line in lines.items()]
        if self._body:
            blocks.append(_code("Body", _pretty(self.schemas.example(self._body))))
        for status, answer in self.operation["responses"].items():
            schema = _json_schema(answer)
            if schema and status < "300":
                blocks.append(_code(f"Answer · {status}", _pretty(self.schemas.example(schema))))
        return tag("div", *blocks, class_="code")

    @property
    def _query(self) -> str:
        is_list = any(each.name == contract.PAGE_SIZE for each in self._parameters)
        return f"?{contract.PAGE_SIZE}=5" if is_list else ""

    @property
    def _shortest_body(self) -> dict[str, Any]:
        """An example of what must be there; of a body where nothing must, its first field."""
        if not self._body:
            return {}
        names = [each.name for each in self._body_fields if each.required] or [self._body_fields[0].name]
        example = self.schemas.example(self._body)
        return {name: example[name] for name in names}


def _json_schema(holder: Json) -> Json:
    schema: Json = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _badge(method: str) -> Html:
    return tag("span", method, class_=f"method {method.lower()}")


def _path(path: str) -> Html:
    """The path, with its variables marked, and places to break it where the window is narrow."""
    pieces: list[Html] = []
    for step in path.removeprefix("/").split("/"):
        is_variable = step.startswith("{")
        pieces += [Html("/<wbr>"), tag("var", step) if is_variable else join(step)]
    return tag("code", *pieces, class_="path")


def _table(heading: str, fields: Sequence[Field]) -> Html:
    return join(tag("h4", heading), tag("ul", *map(_taken, fields), class_="fields")) if fields else join()


def _taken(field: Field) -> Html:
    """A field that the caller gives."""
    mark = tag("span", "required", class_="required") if field.required else join()
    return tag("li", *_about(field, mark), *_inner(field, _taken))


def _given(field: Field) -> Html:
    """A field that the service gives."""
    mark = join() if field.required else tag("span", "may be absent", class_="kind")
    return tag("li", *_about(field, mark), *_inner(field, _given))


def _about(field: Field, mark: Html) -> Iterator[Html]:
    kind = " · ".join((field.kind, *field.limits))
    yield tag("div", tag("code", field.name), tag("span", kind, class_="kind"), mark, class_="marks")
    if field.description:
        yield tag("p", prose(field.description))
    if field.choices:
        yield tag("p", *(tag("code", choice) for choice in field.choices), class_="choices")


def _inner(field: Field, each: Callable[[Field], Html]) -> Iterator[Html]:
    if field.fields:
        held = tag("ul", *map(each, field.fields), class_="fields")
        yield tag("details", tag("summary", "Fields of ", tag("code", field.name)), held)


def _code(label: str, text: str) -> Html:
    copy = tag("button", "Copy", type="button", class_="copy", aria_label=f"Copy: {label}", hidden="")
    caption = tag("figcaption", label, copy)
    return tag("figure", caption, tag("pre", tag("code", text)))


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
