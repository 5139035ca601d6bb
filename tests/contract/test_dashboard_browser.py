"""The Endpoint Dashboard in a real Chromium: it loads nothing else, searches, links, copies, fits."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from astalty_cli.api.contract import ENDPOINT_DASHBOARD
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.operations import OPERATIONS
from astalty_cli.sandbox.store import Store
from tests.support.browser import Browser, needs_chromium
from tests.support.serving import Clock, serving

pytestmark = needs_chromium

ALL = len(OPERATIONS)
ESCAPE, ENTER = "\ue00c", "\ue007"
VISIBLE = "return [...document.querySelectorAll(arguments[0])].filter(each => each.checkVisibility())"
SHOWN = f"{VISIBLE}.map(each => each.querySelector('.body').id)"
HASHES = f"{VISIBLE}.map(each => each.hash.slice(1))"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = Store.open(tmp_path_factory.mktemp("data") / "sandbox.db", clock=Clock())
    with serving(create_app(store)) as url:
        yield url + ENDPOINT_DASHBOARD
    store.close()


@pytest.fixture
def tab(chromium: Browser, address: str) -> Iterator[Browser]:
    with chromium.visit(address) as page:
        yield page


def shown(tab: Browser) -> list[str]:
    found: list[str] = tab.run(SHOWN, ".endpoint")
    return found


def opened(tab: Browser) -> list[str]:
    found: list[str] = tab.run(SHOWN, ".endpoint[open]")
    return found


def count(tab: Browser) -> str:
    text: str = tab.run("return document.querySelector('#count').textContent")
    return text


def hash_is_followed(tab: Browser) -> None:
    """The page hears of a new hash in a later turn of the event loop."""
    tab.run("return new Promise(done => setTimeout(done))")


def requested(tab: Browser) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in tab.log("performance")]
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


def test_it_asks_for_nothing_but_itself(tab: Browser, address: str) -> None:
    assert tab.run("return document.title") == "Endpoints · Astalty API (sandbox)"
    asked = [url for url in requested(tab) if urlsplit(url).scheme != "data"]
    assert asked == [address]


def test_search_narrows_to_what_matches_all_words(tab: Browser) -> None:
    assert len(shown(tab)) == ALL
    assert count(tab) == f"{ALL} endpoints"
    tab.press("/")
    tab.press(*"PATCH")
    assert shown(tab) == ["renameApiKey", "updateParticipant"]
    assert count(tab) == f"2 of {ALL} endpoints"
    tab.press(*" people")
    assert shown(tab) == []
    tab.press(ESCAPE)
    assert len(shown(tab)) == ALL


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("delete", ["revokeApiKey"]),
        ("/expire-previous", ["expirePreviousSecrets"]),
        ("new secret", ["rotateApiKey"]),
        ("request history", ["listApiRequests", "showApiRequest"]),
        ("filter[ip_address]", ["listApiRequests"]),
        ("grace_seconds", ["rotateApiKey"]),
    ],
)
def test_it_finds_by_method_path_summary_tag_and_parameter(
    tab: Browser, words: str, found: list[str]
) -> None:
    tab.press("/", *words)
    assert shown(tab) == found
    assert tab.run(HASHES, "nav .entry a") == found


def test_no_match_says_so_and_leads_back(tab: Browser) -> None:
    tab.press("/", *"<b>dingo")
    assert shown(tab) == []
    assert count(tab) == f"0 of {ALL} endpoints"
    told = tab.run("return document.querySelector('#nothing').innerText")
    assert told == "No endpoint matches <b>dingo. Show all"
    tab.click("#nothing button")
    assert len(shown(tab)) == ALL


def test_enter_opens_the_first_match(tab: Browser) -> None:
    tab.press("/", *"delete", ENTER)
    hash_is_followed(tab)
    assert opened(tab) == ["revokeApiKey"]


def test_a_deep_link_opens_its_operation_in_view(tab: Browser, address: str) -> None:
    tab.open("about:blank")
    tab.open(f"{address}#createParticipant")
    assert opened(tab) == ["createParticipant"]
    top, bar = tab.run(
        "const top = document.querySelector('.endpoint[open]').getBoundingClientRect().top;"
        "return [top, document.querySelector('.top').getBoundingClientRect().bottom]"
    )
    assert bar <= top < bar + 100


def test_a_link_to_what_the_search_has_hidden_shows_it(tab: Browser) -> None:
    tab.press("/", *"delete")
    tab.run("location.hash = 'listGoals'")
    hash_is_followed(tab)
    assert opened(tab) == ["listGoals"]
    assert len(shown(tab)) == ALL


def test_opening_with_the_keyboard_makes_the_address_a_link(tab: Browser) -> None:
    tab.run("document.querySelector('#showApiKey').previousElementSibling.focus()")
    tab.press(ENTER)
    assert opened(tab) == ["showApiKey"]
    assert tab.run("return location.hash") == "#showApiKey"


def test_copy_puts_the_line_on_the_clipboard(tab: Browser, address: str) -> None:
    tab.devtools("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    tab.open(f"{address}#revokeApiKey")
    tab.run("window.setTimeout = () => 0")  # or "Copied" is there for a moment alone
    tab.click("#revokeApiKey .copy")
    assert tab.run("return navigator.clipboard.readText()") == 'astalty api -X DELETE "/api-keys/$KEY_ID"'
    assert tab.run("return document.querySelector('#said').textContent") == "Copied"


def test_without_a_script_everything_is_there_but_the_search(tab: Browser, address: str) -> None:
    tab.devtools("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(f"{address}?plain#listGoals")
    tab.devtools("Emulation.setScriptExecutionDisabled", value=False)
    assert len(shown(tab)) == ALL
    assert opened(tab) == ["listGoals"]
    assert not tab.run("return document.querySelector('search').checkVisibility()")


@pytest.mark.parametrize("width", [390, 800, 1440])
def test_no_width_scrolls_sideways(tab: Browser, width: int) -> None:
    tab.devtools(
        "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 500
    )
    tab.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert tab.run("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_both_schemes(tab: Browser, scheme: str) -> None:
    tab.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    ground, colours = tab.run(COLOURS)
    assert (luminance(ground) < 0.5) is (scheme == "dark")
    assert len(colours) > 5
    assert [each for each in colours if contrast(each, ground) < 4.5] == []


COLOURS = """
const colour = (element, name) => getComputedStyle(element)[name].match(/[0-9.]+/g).map(Number);
const texts = [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && e.innerText);
const distinct = new Map(texts.map(e => [getComputedStyle(e).color, colour(e, 'color')]));
return [colour(document.body, 'backgroundColor'), [...distinct.values()]];
"""


def luminance(colour: list[float]) -> float:
    """As WCAG 2 has it, of red, green and blue from 0 to 255."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (c / 255 for c in colour)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: list[float], other: list[float]) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_paper_shows_what_is_closed(tab: Browser) -> None:
    pdf = base64.b64decode(tab.devtools("Page.printToPDF")["data"])
    assert pdf.count(b"/Type /Page\n") > ALL
