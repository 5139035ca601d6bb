"""A real Chromium without a window, driven over WebDriver as the W3C has it, plus its DevTools commands."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

needs_chromium = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")) and "CI" not in os.environ,
    reason="not installed here: chromium, chromium-driver",
)

_FLAGS = [
    "--headless",
    "--no-sandbox",  # which root cannot use
    "--disable-gpu",
    "--disable-dev-shm-usage",  # a container has 64 MB of it
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
]


class Browser:
    """One tab. A script is the body of a function; what it returns comes back."""

    def __init__(self, driver: httpx.Client, session: str) -> None:
        self._driver = driver
        self._session = session

    def open(self, url: str) -> None:
        self._ask("url", url=url)

    def run(self, script: str, *arguments: object) -> Any:
        return self._ask("execute/sync", script=script, args=list(arguments))

    def press(self, *keys: str) -> None:
        """Press and release each key, wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._ask("actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def click(self, selector: str) -> None:
        """Click where a pointer would; what is covered or not shown cannot be clicked."""
        element = self._ask("element", using="css selector", value=selector)
        self._ask(f"element/{next(iter(element.values()))}/click")

    def text(self, selector: str = "main") -> str:
        """What a person reads in the first such element."""
        shown: str = self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        return shown

    def until(self, holds: Callable[[], bool]) -> None:
        """Ask again until it does so: nothing in a page whose scripts are off could tell when."""
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end, self.text("body")

    def has_focus(self, element_id: str) -> None:
        """Wait for a page that gives the focus to this element."""
        self.until(lambda: self.run("return document.activeElement.id") == element_id)

    def lands_on(self, title: str) -> None:
        """Wait for a page whose title begins so."""
        state = "return document.readyState + document.title"
        self.until(lambda: str(self.run(state)).startswith(f"complete{title}"))

    def devtools(self, command: str, **params: Any) -> Any:
        return self._ask("goog/cdp/execute", cmd=command, params=params)

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What was logged since the last time: `browser` is the console, `performance` has the network."""
        entries: list[dict[str, Any]] = self._ask("se/log", type=kind)
        return entries

    @contextlib.contextmanager
    def visit(self, url: str) -> Iterator["Browser"]:
        """The page, newly loaded. Afterwards the browser is as it was, and no word is on the console."""
        self.open("about:blank")
        self.log("browser")
        self.log("performance")
        self.open(url)
        yield self
        self.devtools("Browser.resetPermissions")
        self.devtools("Emulation.clearDeviceMetricsOverride")
        self.devtools("Emulation.setEmulatedMedia", features=[])
        self.devtools("Emulation.setScriptExecutionDisabled", value=False)
        assert self.log("browser") == []

    def _ask(self, path: str, **body: Any) -> Any:
        answer = self._driver.post(f"/session/{self._session}/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()["value"]


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium with a new profile in this folder."""
    with subprocess.Popen(
        ["chromedriver", "--port=0"],
        stdout=subprocess.PIPE,
        env={**os.environ, "HOME": str(folder)},
        text=True,
    ) as driver:
        try:
            assert driver.stdout is not None
            port = (
                next(line for line in driver.stdout if "successfully on port" in line)
                .rstrip(".\n")
                .rpartition(" ")[2]
            )
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                session = client.post("/session", json=_capabilities(folder)).json()["value"]["sessionId"]
                try:
                    yield Browser(client, session)
                finally:
                    client.delete(f"/session/{session}").raise_for_status()  # else Chromium runs on
        finally:
            driver.terminate()


def _capabilities(folder: Path) -> dict[str, Any]:
    wanted = {
        "goog:chromeOptions": {"args": [*_FLAGS, f"--user-data-dir={folder / 'profile'}"]},
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }
    return {"capabilities": {"alwaysMatch": wanted}}
