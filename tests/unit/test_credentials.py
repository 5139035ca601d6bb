"""A keyring that lies: what it accepts is read back before anybody relies on it."""

import sys
from typing import Any

import pytest

from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import Secret
from astalty_cli.config import credentials
from astalty_cli.config.credentials import KeyringCredentials

SECRET = Secret("astalty_canary_0123456789")


class Forgetful:
    """As the null backend of the keyring library: it accepts a write and loses it."""

    priority = 1

    def set_password(self, _service: str, _name: str, _secret: str) -> None:
        pass

    def get_password(self, _service: str, _name: str) -> str | None:
        return None


class Garbling(Forgetful):
    def get_password(self, _service: str, _name: str) -> str | None:
        return "line\nbreak"


class Failing(Forgetful):
    def set_password(self, _service: str, _name: str, secret: str) -> None:
        raise RuntimeError(f"could not write {secret}")


def use(monkeypatch: pytest.MonkeyPatch, backend: type[Any]) -> KeyringCredentials:
    monkeypatch.setitem(credentials.BACKENDS, sys.platform, lambda: backend)
    return KeyringCredentials()


@pytest.mark.parametrize("backend", [Forgetful, Garbling])
def test_a_write_that_cannot_be_read_back_is_no_success(
    monkeypatch: pytest.MonkeyPatch, backend: type[Any]
) -> None:
    with pytest.raises(LocalError, match="did not give it back"):
        use(monkeypatch, backend).store("work", "https://a.example", SECRET)


def test_what_a_backend_says_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LocalError) as failure:
        use(monkeypatch, Failing).store("work", "https://a.example", SECRET)
    assert "canary" not in failure.value.message + failure.value.hint


class Odd(Forgetful):
    answer: Any = b"astalty_canary_0123456789"

    def get_password(self, _service: str, _name: str) -> Any:
        return self.answer


class Panicking(Forgetful):
    def get_password(self, _service: str, _name: str) -> str | None:
        raise SystemExit(1)


@pytest.mark.parametrize("answer", ["line\nbreak", "", b"astalty_canary_0123456789", 5, ["x"], True])
def test_what_is_no_key_is_not_used(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    monkeypatch.setattr(Odd, "answer", answer)
    with pytest.raises(LocalError, match="is not a key"):
        use(monkeypatch, Odd).load("work", "https://a.example")
    with pytest.raises(LocalError, match="did not give it back"):
        use(monkeypatch, Odd).store("work", "https://a.example", SECRET)


def test_a_backend_that_raises_anything_is_not_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LocalError, match="no keyring here that can be used"):
        use(monkeypatch, Panicking).load("work", "https://a.example")


def test_every_backend_is_named() -> None:
    found = credentials.BACKENDS["linux"]()
    assert f"{found.__module__}.{found.__name__}" == "keyring.backends.SecretService.Keyring"
