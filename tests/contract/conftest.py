"""A new sandbox for each test: its store, its application in process, and a caller with a working key."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.store import Store
from tests.support.browser import Browser, browser
from tests.support.serving import Clock

BASE_URL = "http://sandbox.test"


class Caller(Protocol):
    def __call__(self, secret: str, **options: Any) -> httpx.Client: ...


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store.open(tmp_path / "data" / "sandbox.db", clock=clock)
    yield store
    store.close()


@pytest.fixture
def secret(store: Store) -> str:
    issued = store.keys.create("the tests' own", created_by=store.owner().id).secret
    assert issued is not None
    return issued.reveal()


@pytest.fixture
def app(store: Store) -> Any:
    return create_app(store, rate_limit=0)


@pytest.fixture
def anyone(app: Any) -> Iterator[httpx.Client]:
    """A client without a key."""
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url=BASE_URL) as client:
        yield client


@pytest.fixture
def api(app: Any, secret: str) -> Iterator[httpx.Client]:
    """A client with a working key."""
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url=BASE_URL, headers=headers) as client:
        yield client
