"""What all lists have in common: pages, filters, sorts, includes, and what is said of wrong ones."""

import httpx
import pytest

from astalty_cli.api.contract import API_KEYS, API_REQUESTS, PARTICIPANTS


def test_pages_and_their_meta(api: httpx.Client) -> None:
    seen = []
    for number in (1, 2, 3, 4):
        page = api.get(PARTICIPANTS, params={"page[number]": str(number), "page[size]": "20"}).json()
        assert page["meta"] == {
            "current_page": number,
            "last_page": 3,
            "per_page": 20,
            "total": 60,
            "allowed_sorts": ["name", "created_at"],
        }
        seen += [row["id"] for row in page["data"]]
    assert len(seen) == len(set(seen)) == 60
    assert api.get(PARTICIPANTS).json()["meta"]["per_page"] == 25


def test_an_empty_list_has_one_page(api: httpx.Client) -> None:
    page = api.get(PARTICIPANTS, params={"filter[full_name]": "nobody of that name"}).json()
    assert page["data"] == []
    assert (page["meta"]["last_page"], page["meta"]["total"]) == (1, 0)


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        (API_KEYS, "filter[colour]=red", "Requested filter(s) `colour` are not allowed."),
        (API_KEYS, "filter[status][]=active", "Requested filter(s) `status][` are not allowed."),
        (API_KEYS, "sort=name,-colour", "Requested sort(s) `colour` are not allowed."),
        (API_KEYS, "sort=", "Requested sort(s) `` are not allowed."),
        (API_KEYS, "include=bodies", "Requested include(s) `bodies` are not allowed."),
        (API_REQUESTS, "include=bodies,heads", "Requested include(s) `heads` are not allowed."),
        (f"{API_REQUESTS}/x", "include=heads", "Requested include(s) `heads` are not allowed."),
        (PARTICIPANTS, "filter[%ff]=%ff", "Requested filter(s) `\ufffd` are not allowed."),
    ],
)
def test_what_is_unknown_is_named(api: httpx.Client, path: str, query: str, named: str) -> None:
    response = api.get(f"{path}?{query}")
    assert response.status_code == 400
    assert response.json()["message"].startswith(named)


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("page[number]=0", "page.number", "must be at least 1."),
        ("page[number]=x", "page.number", "must be an integer."),
        ("page[number]=" + "9" * 5000, "page.number", "must be an integer."),
        ("page[number]=99999999999999999999", "page.number", "must not be greater than 2147483647."),
        ("page[size]=101", "page.size", "must not be greater than 100."),
        ("page[size]=-1", "page.size", "must be at least 1."),
        ("filter[path]=" + "*" * 2001, "filter.path", "must not be greater than 2000 characters."),
        ("filter[status]=404" + ",404" * 100, "filter.status", "must not have more than 100 items."),
        ("filter[created_from]=2026-11-23T00:00:00", "filter.created_from", "must be a date in ISO 8601"),
        ("filter[created_to]=0001-01-01T00:00:00%2B14:00", "filter.created_to", "must be a date in ISO 8601"),
        ("filter[created_to]=yesterday", "filter.created_to", "must be a date in ISO 8601"),
    ],
)
def test_a_value_that_cannot_be_is_422(api: httpx.Client, query: str, field: str, message: str) -> None:
    response = api.get(f"{API_REQUESTS}?{query}")
    assert response.status_code == 422
    assert message in response.json()["errors"][field][0]


@pytest.mark.parametrize("status", ["4x", "600", "xx", "abc", "", "404,"])
def test_a_status_that_cannot_be_is_422(api: httpx.Client, status: str) -> None:
    response = api.get(API_REQUESTS, params={"filter[status]": status})
    assert response.status_code == 422
    assert response.json()["errors"] == {"filter.status": ["The selected filter.status is invalid."]}


def test_of_a_parameter_given_twice_the_last_one_counts(api: httpx.Client) -> None:
    assert api.get(f"{PARTICIPANTS}?page[size]=3&page[size]=2").json()["meta"]["per_page"] == 2
