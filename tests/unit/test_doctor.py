"""What `doctor` does with what no command line can bring about: a bug, a backend or a resolver that hangs."""

import socket
import sys
import threading
from typing import Any

import pytest

from astalty_cli.base.errors import LocalError, ServiceError
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import Storage
from astalty_cli.config import credentials
from astalty_cli.config.profiles import Profile
from astalty_cli.config.settings import Settings, Sourced
from astalty_cli.services.doctor import machine, network
from astalty_cli.services.doctor.check import Check, Result, Status, Step, checked, ok
from astalty_cli.services.doctor.server import Server

HOST = "https://astalty.invalid"


def settings(*, storage: Storage | None = None, variable: bool = False) -> Settings:
    stored = Profile(HOST, storage) if storage else None
    secret = Secret("astalty_canary_0123456789") if variable else None
    return Settings(Sourced("default", "default"), Sourced(HOST, "default"), secret, stored, ())


def test_a_bug_in_one_check_ends_no_other_and_shows_nothing_of_its_text() -> None:
    def buggy() -> Result:
        raise ZeroDivisionError("astalty_canary_0123456789")

    def unreadable() -> Result:
        raise PermissionError(13, "Permission denied", "/somewhere")

    rows = list(
        checked(
            [
                Step("a", buggy),
                Step("b", lambda: ok("reached"), needs=("a",)),
                Step("c", lambda: ok("reached"), needs=("b",)),
                Step("d", unreadable),
                Step("e", lambda: ok("fine")),
            ]
        )
    )
    assert rows == [
        Check("a", Status.ERROR, "This check has a bug: ZeroDivisionError.", "Please report it.", 1),
        Check("b", Status.SKIPPED, "Not checked: a has failed."),
        Check("c", Status.SKIPPED, "Not checked: a has failed."),
        Check(
            "d",
            Status.ERROR,
            "Cannot look at /somewhere: Permission denied.",
            "Check the folder and its permissions.",
            2,
        ),
        Check("e", Status.OK, "fine"),
    ]


class Untouchable:
    """A keyring that may be named, and nothing else."""

    priority = 1

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} of the keyring was used")


def use(monkeypatch: pytest.MonkeyPatch, find: Any) -> None:
    monkeypatch.setitem(credentials.BACKENDS, sys.platform, find)


def test_a_keyring_is_named_and_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, lambda: Untouchable)
    assert machine.keyring(settings(storage=Storage.KEYRING)) == ok("test_doctor")


def test_a_keyring_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(credentials, "KEYRING_SECONDS", 0.01)
    use(monkeypatch, lambda: never.wait(60))
    try:
        with pytest.raises(LocalError, match="did not answer"):
            machine.keyring(settings(storage=Storage.KEYRING))
        assert machine.keyring(settings(variable=True)).status is Status.OK
        assert machine.keyring(settings(storage=Storage.FILE)).status is Status.OK
        assert machine.keyring(settings()).status is Status.WARNING
    finally:
        never.set()


def test_a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: never.wait(60) and [])
    try:
        with pytest.raises(ServiceError, match="no answer in time"):
            network.dns(settings(), {}, 0.01)
    finally:
        never.set()


def test_the_proxys_name_is_looked_up_in_place_of_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolve(host: str, *_: object) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", ("192.0.2.7", 0)), (2, 2, 17, "", ("192.0.2.7", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    proxy = {"HTTPS_PROXY": "http://proxy.invalid:3128"}
    assert network.dns(settings(), proxy, 5) == ok(
        "proxy.invalid is 192.0.2.7 (the proxy looks up the server)"
    )
    assert network.dns(settings(), {**proxy, "NO_PROXY": "astalty.invalid"}, 5) == ok(
        "astalty.invalid is 192.0.2.7"
    )
    assert asked == ["proxy.invalid", "astalty.invalid"]


@pytest.mark.parametrize(("whole", "each"), [(60.0, 15.0), (20.0, 10.0), (4.0, 2.0), (2.0, 1.0), (1.5, 1.0)])
def test_no_question_takes_all_of_the_time(
    monkeypatch: pytest.MonkeyPatch, whole: float, each: float
) -> None:
    now = [1000.0]
    monkeypatch.setattr("astalty_cli.services.doctor.server.time.monotonic", lambda: now[0])

    def never(_: object, _seconds: float, _hide: object) -> Any:
        raise AssertionError("nothing is asked")

    server = Server(never, whole)
    assert server.patience == each
    now[0] += whole - 0.5
    assert server.patience == 0.5
    now[0] += 99
    assert server.patience == 0.0
    with pytest.raises(ServiceError, match="The time is up"):
        _ = server.document.answer
