"""The schemas of an OpenAPI document as people read them: fields with their limits, and an example."""

from dataclasses import dataclass
from typing import Any

from astalty_cli.sandbox.dashboard.samples import FORMATS, SAMPLES

Json = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """A property or a parameter. `kind` is its type in words; `fields` is what it holds in turn."""

    name: str
    kind: str
    required: bool
    description: str
    limits: tuple[str, ...]
    choices: tuple[str, ...]
    fields: tuple["Field", ...]


class Schemas:
    """What the `$ref`s of a document lead to. One that leads back to itself is not opened again."""

    def __init__(self, document: Json) -> None:
        self._document = document

    def resolve(self, schema: Json) -> Json:
        """Follow a `$ref`; what stands beside it is stronger."""
        if "$ref" not in schema:
            return schema
        target = self._document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return self.resolve(target | {name: value for name, value in schema.items() if name != "$ref"})

    def field(
        self, name: str, schema: Json, *, required: bool, description: str = "", above: tuple[str, ...] = ()
    ) -> Field:
        plain, _ = self._plain(schema)
        held = self._plain(plain["items"])[0] if "items" in plain else plain
        return Field(
            name=name,
            kind=self.kind(schema),
            required=required,
            description=description or plain.get("description", ""),
            limits=tuple(_limits(plain)),
            choices=tuple(map(str, held.get("enum", ()))),
            fields=self.fields(held, above),
        )

    def fields(self, schema: Json, above: tuple[str, ...] = ()) -> tuple[Field, ...]:
        """The properties of an object, or of the rows of an array."""
        plain, _ = self._plain(schema)
        if "items" in plain:
            return self.fields(plain["items"], above)
        title = plain.get("title", "")
        if title in above:
            return ()
        inside = (*above, title) if title else above
        required = plain.get("required", ())
        return tuple(
            self.field(name, each, required=name in required, above=inside)
            for name, each in plain.get("properties", {}).items()
        )

    def kind(self, schema: Json) -> str:
        plain, nullable = self._plain(schema)
        match plain:
            case {"anyOf": variants}:
                word = " or ".join(self.kind(each) for each in variants)
            case {"type": "array", "items": items}:
                word = f"array of {self.kind(items)}"
            case {"type": "object", "additionalProperties": dict(values)}:
                word = f"object of {self.kind(values)}"
            case {"type": "object", "title": title}:
                word = title
            case {"format": form}:
                word = form
            case {"enum": _}:
                word = "string"
            case _:
                word = plain.get("type", "anything")
        return f"{word} or null" if nullable else word

    def example(self, schema: Json, name: str = "", above: tuple[str, ...] = ()) -> Any:
        """A value that fits the schema. `name` is the property that it is for: `Goal.name`, `name`."""
        for known in (name, name.rpartition(".")[2]):
            if known in SAMPLES:
                return SAMPLES[known]
        plain, _ = self._plain(schema)
        title = plain.get("title", "")
        inside = (*above, title) if title else above
        match plain:
            case {"properties": properties} if title not in above:
                return {key: self.example(each, f"{title}.{key}", inside) for key, each in properties.items()}
            case {"items": items}:
                return (
                    [] if self._plain(items)[0].get("title") in above else [self.example(items, name, above)]
                )
            case {"anyOf": [first, *_]}:
                return self.example(first, name, above)
            case {"format": form} if form in FORMATS:
                return FORMATS[form]
        choices = plain.get("enum", [_PLAINEST.get(plain.get("type", ""))])
        return plain.get("default", choices[0])

    def _plain(self, schema: Json) -> tuple[Json, bool]:
        """The schema without its `$ref` and its "or null", and whether it had the latter."""
        schema = self.resolve(schema)
        variants = schema.get("anyOf", [])
        others = [each for each in variants if each != {"type": "null"}]
        if len(others) == 1:
            rest = {name: value for name, value in schema.items() if name != "anyOf"}
            return self.resolve(others[0]) | rest, len(variants) > 1
        return schema, False


_MAX_INT32 = 2_147_483_647  # the machine's limit, of which nobody needs to be told
_PLAINEST: Json = {"string": "text", "integer": 1, "number": 1.5, "boolean": False, "object": {}, "array": []}


def _limits(schema: Json) -> list[str]:
    most = schema.get("maximum", _MAX_INT32)
    limits = [_range(schema.get("minimum"), None if most == _MAX_INT32 else most, "")]
    limits += [_range(schema.get("minLength"), schema.get("maxLength"), " characters")]
    limits += [_range(None, schema.get("maxItems"), " values")]
    limits += [f"matches {schema['pattern']}"] if "pattern" in schema else []
    limits += [f"default {schema['default']}"] if schema.get("default") not in (None, [], {}) else []
    return [limit for limit in limits if limit]


def _range(low: int | None, high: int | None, unit: str) -> str:
    if high is None:
        return "" if low is None else f"at least {low:,}{unit}"
    return f"at most {high:,}{unit}" if low is None else f"{low:,} to {high:,}{unit}"
