"""What other commands and completion ask of the catalogue: which calls there are, and without a request."""

from pathlib import Path
from typing import Any

from astalty_cli.services.catalogue import Catalogue
from astalty_cli.services.operations import find, operations
from tests.documents import age, offering, openapi
from tests.shell import Shell

PATHS: dict[str, Any] = {"/public/v1/keys/{id}": {"get": {}, "delete": {}}}


def never(*_: object) -> Any:
    raise AssertionError("the service is not to be asked")


def test_the_copy_of_any_age_is_there_without_a_request(shell: Shell) -> None:
    folder = shell.home / ".cache" / "astalty" / "catalogue"
    with offering(shell, openapi(PATHS)):
        shell("endpoints list")
        age(shell, "2026-01-01T00:00:00Z")
    kept = Catalogue(folder, shell.environ["ASTALTY_BASE_URL"], never).kept()
    assert kept is not None
    assert [(each.method, each.path) for each in operations(kept)] == [
        ("GET", "/public/v1/keys/{id}"),
        ("DELETE", "/public/v1/keys/{id}"),
    ]


def test_without_a_copy_there_is_none(tmp_path: Path) -> None:
    assert Catalogue(tmp_path, "https://api.example", never).kept() is None


def test_a_call_is_known_whatever_its_parameters_are_called() -> None:
    found = operations(openapi(PATHS))
    assert find(found, "DELETE", "/public/v1/keys/{key_id}") is found[1]
