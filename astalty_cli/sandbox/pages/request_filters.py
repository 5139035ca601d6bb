"""The filters of the request history's page: read from its address, written into its form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from astalty_cli.api import contract
from astalty_cli.api.models import ApiKey
from astalty_cli.base.times import iso
from astalty_cli.base.vocabulary import METHODS
from astalty_cli.sandbox.dashboard.markup import Html, join, tag
from astalty_cli.sandbox.filters import Condition
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.sandbox.pages import addresses
from astalty_cli.sandbox.problems import Problem

_NAMES = ("path", "status", "method", "key", "from", "to", "failed")
_HELP = {
    "status": "Enter a status such as 404 or 4xx, or several with commas.",
    "from": "Enter a date and a time, such as 2026-11-23T09:30.",
    "to": "Enter a date and a time, such as 2026-11-23T09:30.",
}


@dataclass(frozen=True)
class RequestFilters:
    """`values` are as entered; `complaints` say what is wrong with some of them."""

    values: Mapping[str, str]
    conditions: list[Condition] = field(default_factory=list)
    complaints: dict[str, str] = field(default_factory=dict)

    def form(self, keys: list[ApiKey]) -> Html:
        path = self._field("path", "Path", placeholder="/participants")
        status = self._field("status", "Status", placeholder="404, 5xx")
        method = self._choice("method", "Method", [(each, each) for each in METHODS])
        key = self._choice("key", "API key", [(each.id, f"{each.name} (…{each.last_four})") for each in keys])
        start = self._field("from", "From (UTC)", type="datetime-local", step="1")
        end = self._field("to", "To (UTC)", type="datetime-local", step="1")
        checked = {"checked": ""} if self.values.get("failed") else {}
        box = tag("input", type="checkbox", name="failed", value="1", id="failed", **checked)
        failed = tag("div", box, tag("label", "Failed only", for_="failed"), class_="check")
        apply = tag("button", "Filter", type="submit", class_="button")
        clear = tag("a", "Clear", href=addresses.REQUESTS) if self.values else join()
        buttons = tag("div", failed, apply, clear, class_="row")
        form = tag(
            "form", path, status, method, key, start, end, buttons,
            action=addresses.REQUESTS, role="search", aria_label="Filter the requests", class_="filters",
        )  # fmt: skip
        is_open = {"open": ""} if self.values else {}
        return tag("details", tag("summary", "Filters"), form, class_="finder", **is_open)

    def _field(self, name: str, label: str, **attributes: str) -> Html:
        if text := self.complaints.get(name):
            attributes |= {"aria_invalid": "true", "aria_describedby": f"{name}-wrong"}
            wrong = tag("p", text, class_="wrong", id=f"{name}-wrong")
        else:
            wrong = join()
        value = self.values.get(name, "")
        box = tag("input", name=name, id=name, value=value, autocomplete="off", **attributes)
        return tag("div", tag("label", label, for_=name), box, wrong, class_=f"field by-{name}")

    def _choice(self, name: str, label: str, choices: list[tuple[str, str]]) -> Html:
        chosen = self.values.get(name, "")
        options = [
            tag("option", text, value=value, **({"selected": ""} if value == chosen else {}))
            for value, text in [("", "Any"), *choices]
        ]
        box = tag("select", *options, name=name, id=name)
        return tag("div", tag("label", label, for_=name), box, class_=f"field by-{name}")


def read_filters(query: Mapping[str, str]) -> RequestFilters:
    values = {name: query[name].strip() for name in _NAMES if query.get(name, "").strip()}
    filters = RequestFilters(values)
    for name, value in values.items():
        try:
            filters.conditions.extend(_conditions(name, value))
        except (Problem, ValueError, OverflowError):
            filters.complaints[name] = _HELP.get(name, "Enter a shorter text.")
    return filters


def _conditions(name: str, value: str) -> Iterator[Condition]:
    match name:
        case "path":
            yield REQUESTS.filters["path"].condition("path", contract.under_prefix(value))
        case "status":
            yield REQUESTS.filters["status"].condition("status", value.replace(" ", ""))
        case "method":
            yield REQUESTS.filters["method"].condition("method", value.upper())
        case "key":
            yield REQUESTS.filters["api_key_id"].condition("key", value)
        case "from":
            yield REQUESTS.filters["created_from"].condition("from", _in_utc(value))
        case "to":
            yield REQUESTS.filters["created_to"].condition("to", _in_utc(value))
        case "failed":
            yield Condition("status >= ?", (400,))


def _in_utc(value: str) -> str:
    """The form's fields name no zone; what is entered is in UTC, as what is shown."""
    at = datetime.fromisoformat(value)
    return iso(at if at.tzinfo else at.replace(tzinfo=UTC))
