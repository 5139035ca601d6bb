"""The web pages of `sandbox serve` in a real Chromium: keys are created and deleted, the history is live."""

import json
from collections.abc import Iterator
from importlib.resources import files
from urllib.parse import urlsplit

import httpx
import pytest

from astalty_cli.base.secret import Secret
from astalty_cli.base.times import utc_now
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.history import insert_entry, logged_side
from astalty_cli.sandbox.pages.app import Pages, with_pages
from astalty_cli.sandbox.store import Store
from tests.support.browser import Browser, needs_chromium
from tests.support.histories import entry
from tests.support.serving import Clock, serving

pytestmark = needs_chromium

TAB, SHIFT, ENTER, SPACE, DOWN = "\ue004", "\ue008", "\ue007", " ", "\ue015"
HISTORY, KEYS, CREATE = "/dashboard/requests", "/dashboard/keys", "/dashboard/keys/create"
HOSTILE = "\"'><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("data") / "sandbox.db", clock=Clock(utc_now()))
    yield store
    store.close()


@pytest.fixture(scope="module")
def links() -> list[str]:
    return []


@pytest.fixture(scope="module")
def pages(store: Store, links: list[str]) -> Pages:
    return Pages(store, links.append)


@pytest.fixture(scope="module")
def address(store: Store, pages: Pages) -> Iterator[str]:
    with serving(with_pages(create_app(store, rate_limit=0), pages, store)) as url:
        yield url


@pytest.fixture
def tab(chromium: Browser, address: str, pages: Pages, links: list[str]) -> Iterator[Browser]:
    """A browser that has just signed in."""
    pages.show_link()
    with chromium.visit(address + links[-1]) as page:
        yield page


def create(tab: Browser, address: str, name: str) -> str:
    """Create a Read Only key; return the secret that the page shows."""
    tab.open(address + CREATE)
    tab.has_focus("name")
    tab.press(*name)
    tab.click("#read_only")
    tab.click("button.primary")
    tab.lands_on("API Key Created")
    return tab.text("#secret")


def test_the_link_leads_to_the_dashboard_and_out_of_the_browsers_history(tab: Browser, address: str) -> None:
    tab.lands_on("Request history")
    assert tab.run("return location.href") == address + HISTORY
    assert tab.run("return document.cookie") == ""


def test_a_key_is_created_and_copied_and_then_the_page_forgets_it(
    tab: Browser, address: str, store: Store
) -> None:
    tab.devtools("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    secret = create(tab, address, "browser")
    assert store.keys.accepts(Secret(secret))
    tab.click("button.copy")
    tab.until(lambda: tab.text("button.copy") == "Copied")
    assert tab.run("return navigator.clipboard.readText()") == secret
    tab.run("document.querySelector('.row a').click()")  # Done
    tab.lands_on("Manage Keys")
    assert "browser" in tab.text()
    assert secret not in tab.run("return document.documentElement.outerHTML")
    tab.run("history.back()")
    tab.until(lambda: tab.run("return location.pathname") != KEYS)
    assert secret not in tab.run("return document.documentElement.outerHTML")
    visited = [
        json.loads(line["message"])["message"]["params"]["request"]["url"]
        for line in tab.log("performance")
        if json.loads(line["message"])["message"]["method"] == "Network.requestWillBeSent"
    ]
    assert not [url for url in visited if secret in url]
    assert {urlsplit(url).netloc for url in visited} <= {urlsplit(address).netloc, ""}
    tab.log("browser")  # the page that cannot come back is told there


def test_a_reload_shows_no_secret_and_creates_no_key(tab: Browser, address: str, store: Store) -> None:
    secret = create(tab, address, "reload")
    tab.devtools("Page.reload")
    tab.lands_on("This form was sent already")
    assert secret not in tab.run("return document.documentElement.outerHTML")
    tab.open(address + KEYS)
    assert tab.text().count("reload") == 1
    tab.log("browser")  # a 409 is told there


def test_a_key_is_deleted_after_a_question(tab: Browser, address: str, store: Store) -> None:
    secret = create(tab, address, "short-lived")
    tab.open(address + KEYS)
    tab.click("a[aria-label='Delete short-lived']")
    tab.lands_on("Delete short-lived?")
    assert store.keys.accepts(Secret(secret))
    tab.click("button.danger")
    tab.lands_on("Manage Keys")
    assert not store.keys.accepts(Secret(secret))
    assert "Deleted the key" in tab.text(".notice")


def test_it_goes_with_the_keyboard_alone(tab: Browser, address: str, store: Store) -> None:
    tab.open(address + KEYS)
    go_to(tab, "Create API Key")
    tab.press(ENTER)
    tab.lands_on("Create API Key")
    tab.has_focus("name")
    tab.press(*"typed", TAB, SPACE, DOWN, TAB)
    assert tab.run("return document.querySelector('#full_access').checked")
    assert tab.run("return document.activeElement.textContent") == "Create API Key"
    tab.press(ENTER)
    tab.lands_on("API Key Created")
    secret = tab.text("#secret")
    tab.open(address + KEYS)
    go_to(tab, "Delete typed")
    assert tab.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.press(ENTER)
    tab.lands_on("Delete typed?")
    go_to(tab, "Delete key")
    tab.press(ENTER)
    tab.lands_on("Manage Keys")
    assert not store.keys.accepts(Secret(secret))


def go_to(tab: Browser, name: str) -> None:
    """Press Tab until the focus is on what has this name."""
    focus = "const here = document.activeElement; return here.getAttribute('aria-label') ?? here.textContent"
    for _ in range(200):
        tab.press(TAB)
        if tab.run(focus) == name:
            return
    pytest.fail(f"Tab never comes to {name}")


def test_new_requests_appear_while_one_looks(tab: Browser, address: str, store: Store) -> None:
    tab.open(address + HISTORY)
    tab.run("document.querySelector('#requests a').focus()")
    focused = tab.run("return document.activeElement.href")
    newest = tab.run("return document.querySelector('#requests tr').dataset.id")
    answer = httpx.get(f"{address}/public/v1/participants?live=1")
    assert answer.status_code == 401
    tab.until(lambda: "live=1" in tab.text("#requests tr"))
    assert tab.run("return document.querySelectorAll('#requests tr')[1].dataset.id") == newest
    assert tab.run("return document.activeElement.href") == focused
    assert tab.text("#said") == "1 new request"
    assert tab.run("return document.querySelectorAll('#requests tr').length") == 50


def test_an_entry_can_be_read_folded_and_copied(tab: Browser, address: str, store: Store) -> None:
    tab.devtools("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    body = {"name": "Acacia", "tags": ["a", "b"], "none": None}
    request = entry(store.clock(), status=201)
    with store.database.write() as connection:
        insert_entry(connection, request, logged_side({}, b""), logged_side({}, json.dumps(body).encode()))
    tab.open(f"{address}{HISTORY}/{request.id}")
    tab.click(".json details details > summary")
    assert '"a"' not in tab.text(".json")
    tab.click("button.copy")
    tab.until(lambda: tab.text("button.copy") == "Copied")
    assert json.loads(tab.run("return navigator.clipboard.readText()")) == body


def test_hostile_text_runs_nowhere(tab: Browser, address: str, store: Store) -> None:
    request = entry(store.clock(), method="<B>", path=f"/public/v1/{HOSTILE}", user_agent=HOSTILE)
    body = json.dumps({HOSTILE: HOSTILE}).encode()
    with store.database.write() as connection:
        insert_entry(
            connection, request, logged_side({HOSTILE: HOSTILE}, body), logged_side({}, HOSTILE.encode())
        )
    key = store.keys.create(HOSTILE, store.owner().id)
    for path in (HISTORY, f"{HISTORY}/{request.id}", KEYS, f"{KEYS}/{key.id}/delete"):
        tab.open(address + path)
        assert HOSTILE in tab.run("return document.documentElement.textContent")
        assert tab.run("return [window.hacked ?? 0, document.images.length]") == [0, 0]
    store.keys.revoke(key.id)


def test_without_a_script_a_key_is_created_and_deleted_too(tab: Browser, address: str, store: Store) -> None:
    tab.devtools("Emulation.setScriptExecutionDisabled", value=True)
    secret = create(tab, address, "plain")
    assert store.keys.accepts(Secret(secret))
    assert not tab.run("return document.querySelector('button.copy').checkVisibility()")
    tab.open(address + KEYS)
    tab.click("a[aria-label='Delete plain']")
    tab.lands_on("Delete plain?")
    tab.click("button.danger")
    tab.lands_on("Manage Keys")
    assert not store.keys.accepts(Secret(secret))


def addresses(tab: Browser, address: str, store: Store) -> Iterator[str]:
    """Each page, opened."""
    tab.open(address + HISTORY)
    request = tab.run("return document.querySelector('#requests tr').dataset.id")
    key = store.keys.create(f"of {utc_now()}", store.owner().id)
    for path in (
        *(HISTORY, f"{HISTORY}?failed=1", f"{HISTORY}/{request}", KEYS, f"{KEYS}?show=deleted"),
        *(CREATE, f"{KEYS}/{key.id}/delete", "/docs"),
    ):
        tab.open(address + path)
        yield path
    store.keys.revoke(key.id)
    create(tab, address, f"last {utc_now()}")
    yield "API Key Created"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tab: Browser, address: str, store: Store, scheme: str) -> None:
    tab.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    axe = files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
    for path in addresses(tab, address, store):
        found = tab.run(f"{axe}; return axe.run()")
        assert found["passes"]
        assert [(path, each["id"], [n["html"] for n in each["nodes"]]) for each in found["violations"]] == []


@pytest.mark.parametrize("width", [320, 375, 800, 1280])
def test_no_page_scrolls_sideways(tab: Browser, address: str, store: Store, width: int) -> None:
    tab.devtools(
        "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 500
    )
    for path in addresses(tab, address, store):
        assert tab.run("return document.documentElement.scrollWidth") <= width, path
