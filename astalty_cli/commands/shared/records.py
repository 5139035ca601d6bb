"""What commands show and the API has no type for: the names that `--fields` knows."""

from datetime import datetime

from msgspec import Raw, Struct

from astalty_cli.base.vocabulary import Storage
from astalty_cli.config.journal import Operation, Phase, Way


class SignedIn(Struct):
    profile: str
    profile_source: str
    base_url: str
    base_url_source: str
    key_source: str | None
    key_name: str | None
    key_id: str | None
    last_four: str | None
    access: str | None
    account: str | None
    works: bool | None  # None: nothing decides it
    profiles: Raw


class MirrorState(Struct):
    added: int
    removed: int
    requests: int
    oldest: datetime | None
    newest: datetime | None
    path: str


class SandboxInfo(Struct):
    account: str
    owner: str
    email: str
    database: str
    key_file: str
    base_url: str
    key: str


class OpenOperation(Struct):
    """An entry of the journal, as it is shown."""

    id: str
    operation: Operation
    name: str
    key_id: str | None
    phase: Phase
    sinks: list[str]  # the destinations; scripts know the field by this name
    started_at: str
    profile: str
    base_url: str
    way: Way
    due_at: str | None  # of an old key that is to be deleted on the web page
    old_page_name: str | None
    old_secret: Storage | None  # where a copy of it is kept, to verify the deletion
