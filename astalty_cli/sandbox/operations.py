"""Every call of the API as the OpenAPI document tells it."""

import re
from dataclasses import dataclass, field
from typing import Literal

from astalty_cli.api import contract
from astalty_cli.api.models import (
    ApiKey,
    ApiRequest,
    CreateKey,
    CurrentKey,
    ExpirePrevious,
    IssuedKey,
    RenameKey,
    RotateKey,
    User,
)
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.sandbox.keys import KEYS
from astalty_cli.sandbox.listing import Listing
from astalty_cli.sandbox.participants import (
    GOALS,
    PARTICIPANTS,
    CreateParticipant,
    Goal,
    Participant,
    UpdateParticipant,
)
from astalty_cli.sandbox.users import USERS

_KEYS = "API keys"
_HISTORY = "Request history"
_PEOPLE = "Participants"
_USERS = "Users"
TAGS = {
    _KEYS: "Created, rotated and revoked. A secret is shown once: in the answer that creates it.",
    _HISTORY: "Every call under `/public/v1`, also the refused ones. Entries never change.",
    _PEOPLE: "The people who are supported, and their goals.",
    _USERS: "Those who sign in to the account.",
}
_ANY_CALL = (401, 405, 429)
_WITH_BODY = (400, 413, 415, 422)


@dataclass(frozen=True)
class Operation:
    """One call. `answer` is the struct under `data`: of each row if there is a `listing`."""

    name: str
    method: Literal["get", "post", "patch", "delete"]
    path: str
    tag: str
    summary: str
    outcome: str
    answer: type | None
    status: int = 200
    description: str = ""
    body: type | None = None
    listing: Listing | None = None
    includes: tuple[str, ...] = ()
    further: tuple[int, ...] = ()  # refusals that do not follow from the rest
    is_documented: bool = False  # or seen by others with access; see docs/reference/api-contract.md
    links: dict[str, str] = field(default_factory=dict)  # calls that take the id of the answer, and as what

    @property
    def path_parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def refusals(self) -> list[int]:
        """The statuses other than `status` that this call can have."""
        statuses = {*_ANY_CALL, *self.further}
        if self.body:
            statuses |= {*_WITH_BODY}
        if self.listing:
            statuses |= {400, 422}
        if self.includes:
            statuses.add(400)
        if self.method != "get":
            statuses.add(403)
        if self.path_parameters:
            statuses.add(404)
        return sorted(statuses)


_KEY = contract.api_key("{key_id}")
_PERSON = contract.PARTICIPANTS + "/{participant_id}"

OPERATIONS = (
    Operation(
        "listApiKeys",
        "get",
        contract.API_KEYS,
        _KEYS,
        "List the account's API keys",
        "A page of keys, revoked ones too.",
        ApiKey,
        listing=KEYS,
    ),
    Operation(
        "createApiKey",
        "post",
        contract.API_KEYS,
        _KEYS,
        "Create an API key",
        "The key with its secret; from a replay, without.",
        IssuedKey,
        status=201,
        description="The name is unique among the active keys. A `read_only` key may only make GET requests.",
        body=CreateKey,
        further=(409,),
        links={
            "showApiKey": "key_id",
            "renameApiKey": "key_id",
            "rotateApiKey": "key_id",
            "revokeApiKey": "key_id",
        },
    ),
    Operation(
        "currentApiKey",
        "get",
        contract.API_KEYS_CURRENT,
        _KEYS,
        "Show the key that makes the call",
        "The key with its account.",
        CurrentKey,
    ),
    Operation(
        "showApiKey", "get", _KEY, _KEYS, "Show an API key", "The key, also when it is revoked.", ApiKey
    ),
    Operation(
        "renameApiKey", "patch", _KEY, _KEYS, "Rename an active API key", "The key.", ApiKey, body=RenameKey
    ),
    Operation(
        "rotateApiKey",
        "post",
        contract.rotate("{key_id}"),
        _KEYS,
        "Create a new secret for a key",
        "The key with its new secret; from a replay, without.",
        IssuedKey,
        status=201,
        description="The secret used until now works for `grace_seconds` more; earlier ones keep their ends.",
        body=RotateKey,
        further=(409,),
        links={"expirePreviousSecrets": "key_id"},
    ),
    Operation(
        "expirePreviousSecrets",
        "post",
        contract.expire_previous("{key_id}"),
        _KEYS,
        "Shorten the life of a key's earlier secrets",
        "The key.",
        ApiKey,
        description="No earlier secret lives longer than `within_seconds` from now. Never lengthens a life.",
        body=ExpirePrevious,
        further=(409,),
    ),
    Operation(
        "revokeApiKey",
        "delete",
        _KEY,
        _KEYS,
        "Revoke an API key",
        "Done: every secret of the key has stopped.",
        None,
        status=204,
    ),
    Operation(
        "listApiRequests",
        "get",
        contract.API_REQUESTS,
        _HISTORY,
        "List the request history",
        "A page of entries.",
        ApiRequest,
        listing=REQUESTS,
        includes=REQUESTS.includes,
    ),
    Operation(
        "showApiRequest",
        "get",
        contract.api_request("{request_id}"),
        _HISTORY,
        "Show an entry of the request history",
        "The entry with its bodies.",
        ApiRequest,
        includes=REQUESTS.includes,
    ),
    Operation(
        "listParticipants",
        "get",
        contract.PARTICIPANTS,
        _PEOPLE,
        "List participants",
        "A page of participants.",
        Participant,
        listing=PARTICIPANTS,
        includes=PARTICIPANTS.includes,
        is_documented=True,
    ),
    Operation(
        "createParticipant",
        "post",
        contract.PARTICIPANTS,
        _PEOPLE,
        "Create a participant",
        "The participant.",
        Participant,
        status=201,
        body=CreateParticipant,
        further=(409,),
        links={"showParticipant": "participant_id", "updateParticipant": "participant_id"},
    ),
    Operation(
        "showParticipant",
        "get",
        _PERSON,
        _PEOPLE,
        "Show a participant",
        "The participant.",
        Participant,
        includes=PARTICIPANTS.includes,
        is_documented=True,
    ),
    Operation(
        "updateParticipant",
        "patch",
        _PERSON,
        _PEOPLE,
        "Change a participant",
        "The participant.",
        Participant,
        body=UpdateParticipant,
        description="What is left out stays as it is. An archived participant may not be changed.",
    ),
    Operation(
        "listGoals",
        "get",
        _PERSON + "/goals",
        _PEOPLE,
        "List a participant's goals",
        "A page of goals.",
        Goal,
        listing=GOALS,
        is_documented=True,
    ),
    Operation(
        "listUsers",
        "get",
        contract.USERS,
        _USERS,
        "List the account's users",
        "A page of users.",
        User,
        listing=USERS,
        is_documented=True,
    ),
)
