"""The OpenAPI document is valid, and the server keeps to it, with data that fits and data that does not."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import jsonschema_rs
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import (
    GenerationConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.definitions import OPENAPI_31

from astalty_cli.api.contract import IDEMPOTENCY_TTL, OPENAPI
from astalty_cli.api.models import IssuedKey
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.sandbox.keys import KEYS
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.openapi import document
from astalty_cli.sandbox.participants import PARTICIPANTS
from astalty_cli.sandbox.store import Store
from tests.support.serving import Clock

DOCUMENT: dict[str, Any] = msgspec.json.decode(document())
BASE_URL = "http://sandbox.test"
EXAMPLES = settings(
    max_examples=30,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


_served: list[Any] = []


def _schema(*modes: GenerationMode) -> Any:
    # an unknown parameter is ignored, as Laravel does; only an unknown filter is refused
    generation = GenerationConfig(modes=list(modes), deterministic=True, allow_extra_parameters=False)
    project = ProjectConfig(base_url=BASE_URL, generation=generation)
    config = SchemathesisConfig(seed=1, projects=ProjectsConfig(default=project))
    schema = schemathesis.openapi.from_dict(DOCUMENT, config=config)
    schema.app = _application
    return schema


def _application(environ: Any, start_response: Any) -> Any:
    """The application of the fixture, which is made long after the tests are collected."""
    return _served[-1](environ, start_response)


anything = _schema(*GenerationMode)
records = _schema(GenerationMode.POSITIVE).include(path_regex="{")


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("data") / "sandbox.db", clock=clock)
    _served.append(create_app(store, rate_limit=0))
    yield store
    store.close()


@pytest.fixture(scope="module")
def own_key(store: Store) -> IssuedKey:
    return store.keys.create("schemathesis", created_by=store.owner().id)


@anything.parametrize()  # type: ignore[untyped-decorator]
@EXAMPLES
def test_the_server_keeps_to_its_document(case: Any, store: Store, clock: Clock, own_key: IssuedKey) -> None:
    _forget(store, clock, own_key)
    case.call_and_validate(headers=_authorized(own_key))


@records.parametrize()  # type: ignore[untyped-decorator]
@EXAMPLES
def test_it_does_so_for_records_that_exist(case: Any, store: Store, clock: Clock, own_key: IssuedKey) -> None:
    _forget(store, clock, own_key)
    case.path_parameters = {name: _a_record(store, name) for name in case.path_parameters}
    response = case.call_and_validate(headers=_authorized(own_key))
    assert response.status_code != 404


def test_the_document_is_valid_openapi_31() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    jsonschema_rs.validator_for(OPENAPI_31).validate(DOCUMENT)


def test_the_document_needs_no_key_and_leaves_no_entry(store: Store) -> None:
    before = store.history.page(parse_query("", REQUESTS))[1].total
    with httpx.Client(transport=httpx.WSGITransport(app=_application), base_url=BASE_URL) as anyone:
        response = anyone.get(OPENAPI)
    assert response.status_code == 200
    assert response.json() == DOCUMENT
    assert store.history.page(parse_query("", REQUESTS))[1].total == before


def test_the_document_is_not_sent_again_to_who_has_it(store: Store) -> None:
    with httpx.Client(transport=httpx.WSGITransport(app=_application), base_url=BASE_URL) as anyone:
        etag = anyone.get(OPENAPI).headers["ETag"]
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = anyone.get(OPENAPI, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == etag
        assert anyone.get(OPENAPI, headers={"If-None-Match": '"other"'}).json() == DOCUMENT


def _authorized(key: IssuedKey) -> dict[str, str]:
    assert key.secret is not None
    return {"Authorization": f"Bearer {key.secret.reveal()}"}


def _forget(store: Store, clock: Clock, own_key: IssuedKey) -> None:
    """Free all names and idempotency keys: that one is taken is no matter of the document."""
    clock.move(seconds=IDEMPOTENCY_TTL)
    for key in store.keys.page(parse_query("filter[status]=active,expiring", KEYS))[0]:
        if key.id != own_key.id:
            store.keys.revoke(key.id)


def _a_record(store: Store, parameter: str) -> str:
    """Return the id of a record that every call may be made on."""
    if parameter == "key_id":
        return store.keys.create(str(uuid4()), created_by=store.owner().id).id
    if parameter == "request_id":
        return store.history.page(parse_query("page[size]=1", REQUESTS))[0][0].id
    return store.participants.page(parse_query("filter[status]=active&page[size]=1", PARTICIPANTS))[0][0].id
