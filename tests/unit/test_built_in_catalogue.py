"""The built-in catalogue says what the page about the API says, and is an OpenAPI document like any other."""

import re
from pathlib import Path

from astalty_cli.api.contract import PREFIX
from astalty_cli.openapi import Json
from astalty_cli.services.endpoints.built_in import document
from astalty_cli.services.endpoints.documents import ensure_openapi

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api-contract.md"


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]*)`", cell)


def documented() -> dict[str, list[object]]:
    """The rows of the page's table, by call."""
    section = PAGE.read_text("utf-8").partition("### The built-in catalogue")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split("|") for line in section.splitlines() if line.startswith("| `GET ")]
    padded = [[cell.strip() for cell in [*row, "", ""][:5]] for row in rows]
    return {words(call)[0]: [grade, *map(words, lists)] for call, grade, *lists in padded}


def fields(operation: Json, grade: str) -> list[str]:
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["data"]
    properties: Json = answer.get("items", answer).get("properties", {})
    return [name for name, schema in properties.items() if schema["x-grade"] == grade]


def test_it_says_what_the_page_says() -> None:
    built_in: dict[str, list[object]] = {
        f"{method.upper()} {path.removeprefix(PREFIX)}": [
            operation["x-grade"],
            [each["name"] for each in operation["parameters"]],
            fields(operation, "A"),
            fields(operation, "B"),
        ]
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    }
    assert len(built_in) == 4
    assert built_in == documented()


def test_it_is_a_document_like_any_other() -> None:
    ensure_openapi(document())
