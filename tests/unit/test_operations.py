"""Which call of the catalogue is meant, and where it is."""

from typing import Any

import pytest

from astalty_cli.services.endpoints.operations import find, operations
from astalty_cli.services.endpoints.servers import is_elsewhere
from tests.support.documents import openapi

PATHS: dict[str, Any] = {"/public/v1/keys/{id}": {"get": {}, "delete": {}}}


def test_a_call_is_known_whatever_its_parameters_are_called() -> None:
    found = operations(openapi(PATHS))
    assert find(found, "DELETE", "/public/v1/keys/{key_id}") is found[1]


@pytest.mark.parametrize(
    ("own", "elsewhere"),
    [
        ("https://API.example:443/v2", False),
        ("/v2", False),
        ("//api.example/v2", False),
        ("https://docs.example/v2", False),  # where the others are, by the document's own word
        ("https://files.example/v2", True),
        ("http://api.example/v2", True),
        ("https://api.example:8443", True),
        ("https://api.example:99999", False),  # no URL: nothing is said
    ],
)
def test_whether_a_call_is_at_another_origin(own: str, elsewhere: bool) -> None:
    document = {"servers": [{"url": "https://docs.example/v1"}]}
    assert is_elsewhere(document, {"servers": [{"url": own}]}, "https://api.example") is elsewhere
    assert not is_elsewhere(document, {}, "https://api.example")
