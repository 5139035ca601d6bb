"""Whatever is entered into the pages' forms and filters is answered, and never with a failure of ours."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.generation import GenerationMode

from astalty_cli.base.vocabulary import Access
from astalty_cli.sandbox.store import Store
from tests.support.serving import Clock
from tests.support.visitor import ADDRESS, Visitor, visitor

HISTORY, CREATE = "/dashboard/requests", "/dashboard/keys/create"
ANSWERS = {status: {"description": ""} for status in ("200", "303", "403", "404", "405", "409", "413", "422")}
TEXT = {"type": "string"}


def form(**fields: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": schema}},
        },
        "responses": ANSWERS,
    }


def page(*parameters: str) -> dict[str, Any]:
    taken = [{"name": name, "in": "query", "schema": TEXT} for name in parameters]
    return {"parameters": taken, "responses": ANSWERS}


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "The pages", "version": "1"},
    "paths": {
        HISTORY: {"get": page("path", "status", "method", "key", "from", "to", "failed", "before", "after")},
        "/dashboard/keys": {"get": page("show", "page")},
        CREATE: {"post": form(name=TEXT, access={"enum": [*Access, ""]}, form=TEXT)},
        "/dashboard/keys/{id}/delete": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": TEXT}],
            "post": form(),
        },
        "/sign-in/{token}": {
            "parameters": [{"name": "token", "in": "path", "required": True, "schema": TEXT}],
            "get": page(),
        },
    },
}
_served: list[Any] = []


def _application(environ: Any, start_response: Any) -> Any:
    return _served[-1](environ, start_response)


def _schema() -> Any:
    generation = GenerationConfig(modes=list(GenerationMode), deterministic=True)
    project = ProjectConfig(base_url=ADDRESS, generation=generation)
    config = SchemathesisConfig(seed=1, projects=ProjectsConfig(default=project))
    schema = schemathesis.openapi.from_dict(DOCUMENT, config=config)
    schema.app = _application
    return schema


schema = _schema()


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    store = Store.open(tmp_path_factory.mktemp("data") / "sandbox.db", clock=Clock())
    with visitor(store) as someone:
        _served.append(someone.app)
        yield someone
    store.close()


EXAMPLES = settings(
    max_examples=30, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def check(case: Any, owner: Visitor) -> None:
    if isinstance(case.body, dict):
        case.body = {**case.body, **owner.form(CREATE).fields}
    cookie = f"astalty-8787={owner.client.cookies['astalty-8787']}"
    headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin", "Host": "127.0.0.1:8787"}
    case.headers = {**(case.headers or {}), **headers}
    answer = case.call()
    assert str(answer.status_code) in ANSWERS
    assert "Sign in" not in answer.text
    assert answer.status_code == 303 or "text/html" in answer.headers["content-type"][0]


test_no_entry_makes_a_page_fail = schema.parametrize()(EXAMPLES(check))
