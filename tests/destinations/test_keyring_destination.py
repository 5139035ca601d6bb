"""`keyring:PROFILE`: the secret to the keyring, the name to the config file, no other profile harmed."""

from pathlib import Path

import pytest

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base.errors import LocalError, UsageError
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import Storage
from astalty_cli.config.credentials import FileCredentials
from astalty_cli.config.profiles import ConfigFile, Profile
from astalty_cli.destinations.keyring import Keyring
from tests.destinations.canary import KEY, OLD, SECRET

HERE, ELSEWHERE = "https://a.example", "https://b.example"


class Kept:
    """A keyring in memory."""

    def __init__(self, *, locked: bool = False) -> None:
        self.secrets: dict[tuple[str, str], Secret] = {}
        self.locked = locked

    def check(self, profile: str) -> None:
        if self.locked:
            raise LocalError("The keyring is locked.")

    def load(self, profile: str, origin: str) -> Secret | None:
        return self.secrets.get((profile, origin))

    def store(self, profile: str, origin: str, secret: Secret) -> None:
        self.check(profile)
        self.secrets[profile, origin] = secret

    def clear_leftovers(self, profile: str) -> None:
        """It writes no files."""

    def remove(self, profile: str, origin: str) -> None:
        self.secrets.pop((profile, origin), None)


@pytest.fixture
def config(tmp_path: Path) -> ConfigFile:
    return ConfigFile(tmp_path / "config")


def test_a_profile_keeps_no_id_that_the_service_does_not_know(config: ConfigFile) -> None:
    local = KeyIdentity("local-0123456789ab", "ci", SECRET.last_four, service_id=None)
    Keyring("work", HERE, config, Kept()).deliver(local, SECRET)
    assert config.read().profiles["work"] == Profile(HERE, Storage.KEYRING, None, SECRET.last_four)


def test_a_new_profile(config: ConfigFile) -> None:
    place = Kept()
    destination = Keyring("work", HERE, config, place)
    destination.probe()
    assert destination.held() is None
    assert not config.path.exists()
    destination.deliver(KEY, SECRET)
    assert destination.held() == SECRET
    assert place.secrets == {("work", HERE): SECRET}
    profile = config.read().profiles["work"]
    assert profile == Profile(HERE, Storage.KEYRING, KEY.id, SECRET.last_four)
    assert SECRET.reveal() not in config.path.read_text()
    assert destination.spec == "keyring:work"
    assert "'work'" in destination.success_message


def test_a_profile_of_the_same_place_is_renewed(config: ConfigFile) -> None:
    place = Kept()
    place.store("work", HERE, OLD)
    config.save("work", Profile(HERE, Storage.KEYRING, "another", "4567", "Ana's"))
    destination = Keyring("work", HERE, config, place)
    destination.probe()
    assert destination.held() == OLD
    destination.deliver(KEY, SECRET)
    assert destination.held() == SECRET
    assert config.read().profiles["work"].account == "Ana's"


@pytest.mark.parametrize(
    "old",
    [Profile(ELSEWHERE, Storage.KEYRING), Profile(ELSEWHERE), Profile(HERE, Storage.FILE)],
    ids=["another origin", "another origin, no key", "in a file"],
)
def test_a_profile_of_another_place_needs_force(config: ConfigFile, old: Profile) -> None:
    place, file = Kept(), FileCredentials(config.path.parent / "keys")
    place.store("work", ELSEWHERE, OLD)
    file.store("work", HERE, OLD)
    config.save("work", old)
    with pytest.raises(LocalError, match="is another one") as refused:
        Keyring("work", HERE, config, place).probe()
    assert "--force" in refused.value.hint
    destination = Keyring("work", HERE, config, place, force=True)
    destination.probe()
    destination.deliver(KEY, SECRET)
    assert destination.held() == SECRET
    assert config.read().profiles["work"].base_url == HERE
    assert (("work", ELSEWHERE) in place.secrets) == (old.storage is not Storage.KEYRING)
    assert (file.load("work", HERE) is None) == (old.storage is Storage.FILE)


@pytest.mark.parametrize("name", ["sandbox", "a/b", "", "-p"])
def test_a_name_that_no_profile_may_have(config: ConfigFile, name: str) -> None:
    with pytest.raises(UsageError):
        Keyring(name, HERE, config, Kept()).probe()


def test_a_keyring_that_is_not_usable_shows_at_once(config: ConfigFile) -> None:
    with pytest.raises(LocalError, match="locked"):
        Keyring("work", HERE, config, Kept(locked=True)).probe()


def test_the_profile_names_no_key_that_the_keyring_did_not_take(config: ConfigFile) -> None:
    with pytest.raises(LocalError, match="locked"):
        Keyring("work", HERE, config, Kept(locked=True)).deliver(KEY, SECRET)
    assert not config.path.exists()
