"""Which call of the catalogue is meant."""

from typing import Any

from astalty_cli.services.endpoints.operations import find, operations
from tests.documents import openapi

PATHS: dict[str, Any] = {"/public/v1/keys/{id}": {"get": {}, "delete": {}}}


def test_a_call_is_known_whatever_its_parameters_are_called() -> None:
    found = operations(openapi(PATHS))
    assert find(found, "DELETE", "/public/v1/keys/{key_id}") is found[1]
