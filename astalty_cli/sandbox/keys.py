"""API keys: created, found, renamed, rotated, revoked, recognised by their secret (contract, "API keys")."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec

from astalty_cli.api.contract import KEY_SORTS
from astalty_cli.api.models import (
    Account,
    ApiKey,
    CurrentKey,
    IssuedKey,
    KeyReference,
    PageMeta,
    User,
)
from astalty_cli.base.secret import Secret
from astalty_cli.base.times import Clock, from_iso_or_none, iso
from astalty_cli.base.vocabulary import Access, KeyStatus, KeyStyle
from astalty_cli.sandbox.database import Database
from astalty_cli.sandbox.filters import choice, contains
from astalty_cli.sandbox.listing import Listing, Query, fetch_page
from astalty_cli.sandbox.problems import Problem, invalid, not_found
from astalty_cli.sandbox.secret_format import hash_of, is_well_formed, new_secret, number_of

KEYS = Listing(
    filters={"name": contains("name"), "status": choice("status", KeyStatus)},
    sorts={sort: sort for sort in KEY_SORTS},
    default_sort="-created_at",
)
RATE_WINDOW = 60  # seconds

# `expiring` is a matter of the moment, so it is worked out and never stored; the parameter is the moment
_SELECT = """
SELECT *,
    CASE WHEN revoked_at IS NULL THEN ends END AS previous_expires_at,
    CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN ends IS NOT NULL THEN 'expiring'
        ELSE 'active' END AS status
FROM (
    SELECT k.*, s.last_four, u.name AS user_name, u.email AS user_email,
        (SELECT max(e.expires_at) FROM key_secrets e WHERE e.key_id = k.id AND e.expires_at > ?) AS ends
    FROM api_keys k
    JOIN users u ON u.id = k.created_by
    JOIN key_secrets s ON s.key_id = k.id AND s.rotation = k.rotation
)
"""


@dataclass(frozen=True)
class Caller:
    """Who makes a call, and how many more the rate limit leaves: -1 is a refusal, None is no limit."""

    key: KeyReference
    user: User
    access: Access
    remaining: int | None
    window_ends_in: float  # seconds


class Keys:
    """The keys of the account. Its refusals are the API's own: they raise `Problem`."""

    def __init__(self, database: Database, clock: Clock, style: KeyStyle = KeyStyle.ASTALTY) -> None:
        self._database = database
        self._clock = clock
        self._style = style

    def page(self, query: Query) -> tuple[list[ApiKey], PageMeta]:
        with self._database.read() as connection:
            rows, meta = fetch_page(connection, _SELECT, [iso(self._clock())], query, KEYS)
        return [_api_key(row) for row in rows], meta

    def get(self, key_id: str) -> ApiKey:
        """Return a key, a revoked one too. Raises `Problem` (404)."""
        with self._database.read() as connection:
            return self._get(connection, key_id)

    def current(self, key_id: str) -> CurrentKey:
        """Return the key that makes the call, with its account."""
        with self._database.read() as connection:
            account = connection.execute("SELECT id, name FROM account").fetchone()
            fields = msgspec.structs.asdict(self._get(connection, key_id))
        return CurrentKey(**fields, account=Account(account["id"], account["name"]))

    def create(self, name: str, created_by: str, access: Access = Access.FULL_ACCESS) -> IssuedKey:
        """Create a key. Raises `Problem` (422) if an active key has that name."""
        key_id = str(uuid4())
        with self._database.write() as connection:
            try:
                connection.execute(
                    "INSERT INTO api_keys (id, name, created_at, created_by, access) VALUES (?, ?, ?, ?, ?)",
                    (key_id, name, iso(self._clock()), created_by, access.value),
                )
            except sqlite3.IntegrityError as error:
                raise _name_taken() from error
            return self._issued(connection, key_id, 0)

    def rename(self, key_id: str, name: str) -> ApiKey:
        """Give an active key another name. Raises `Problem` (404, 422)."""
        with self._database.write() as connection:
            self._active(connection, key_id)
            try:
                connection.execute("UPDATE api_keys SET name = ? WHERE id = ?", (name, key_id))
            except sqlite3.IntegrityError as error:
                raise _name_taken() from error
            return self._get(connection, key_id)

    def rotate(self, key_id: str, grace_seconds: int, if_rotation: int | None) -> IssuedKey:
        """Create a new secret; the one used until now works for `grace_seconds` more.

        Secrets still in grace from earlier rotations keep their own ends. Raises `Problem` (404, 409).
        """
        with self._database.write() as connection:
            key = self._active(connection, key_id, if_rotation)
            now = self._clock()
            connection.execute(
                "UPDATE key_secrets SET expires_at = ? WHERE key_id = ? AND expires_at IS NULL",
                (iso(now + timedelta(seconds=grace_seconds)), key_id),
            )
            connection.execute(
                "UPDATE api_keys SET rotation = ?, rotated_at = ? WHERE id = ?",
                (key.rotation + 1, iso(now), key_id),
            )
            return self._issued(connection, key_id, key.rotation + 1)

    def expire_previous(self, key_id: str, within_seconds: int, if_rotation: int | None) -> ApiKey:
        """Let no earlier secret live longer than `within_seconds` from now. Raises `Problem` (404, 409)."""
        with self._database.write() as connection:
            self._active(connection, key_id, if_rotation)
            end = iso(self._clock() + timedelta(seconds=within_seconds))
            connection.execute(
                "UPDATE key_secrets SET expires_at = ? WHERE key_id = ? AND expires_at > ?",
                (end, key_id, end),
            )
            return self._get(connection, key_id)

    def revoke(self, key_id: str) -> None:
        """Stop every secret of an active key at once. Raises `Problem` (404)."""
        with self._database.write() as connection:
            self._active(connection, key_id)
            now = iso(self._clock())
            connection.execute("UPDATE api_keys SET revoked_at = ? WHERE id = ?", (now, key_id))

    def authenticate(self, value: str, ip_address: str | None, rate_limit: int) -> Caller | None:
        """Find whose secret this is and count the call; None for one that does not work.

        `rate_limit` is calls a minute for each key, 0 for no limit.
        """
        if not is_well_formed(value):
            return None
        now = self._clock()
        with self._database.write() as connection:
            row = self._holder(connection, value)
            if row is None:
                return None
            started, calls = _window(row, now)
            remaining = max(-1, rate_limit - calls - 1) if rate_limit else None
            connection.execute(
                "UPDATE api_keys SET last_used_at = ?, last_used_ip = ?, window_started_at = ?,"
                " window_calls = ? WHERE id = ?",
                (iso(now), ip_address, iso(started), calls + (remaining != -1), row["id"]),
            )
        return Caller(
            key=KeyReference(row["id"], row["name"]),
            user=User(row["created_by"], row["user_name"], row["user_email"]),
            access=Access(row["access"]),
            remaining=remaining,
            window_ends_in=RATE_WINDOW - (now - started).total_seconds(),
        )

    def accepts(self, secret: Secret) -> bool:
        """Tell whether a call with this secret would be let in now."""
        return self.holder(secret) is not None

    def holder(self, secret: Secret) -> str | None:
        """The id of the key that this secret works for now."""
        with self._database.read() as connection:
            row = self._holder(connection, secret.reveal())
            return None if row is None else str(row["id"])

    def _holder(self, connection: sqlite3.Connection, value: str) -> sqlite3.Row | None:
        """Find whose secret this is: one hash and one look into an index, however many keys there are."""
        row: sqlite3.Row | None = connection.execute(
            "SELECT k.*, u.name AS user_name, u.email AS user_email FROM key_secrets s"
            " JOIN api_keys k ON k.id = s.key_id JOIN users u ON u.id = k.created_by WHERE s.hash = ?1"
            " AND k.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > ?2)"
            " AND (?3 IS NULL OR s.number = ?3)",
            (hash_of(value), iso(self._clock()), number_of(value)),
        ).fetchone()
        return row

    def _get(self, connection: sqlite3.Connection, key_id: str) -> ApiKey:
        row = connection.execute(_SELECT + "WHERE id = ?", (iso(self._clock()), key_id)).fetchone()
        if row is None:
            raise not_found()
        return _api_key(row)

    def _active(self, connection: sqlite3.Connection, key_id: str, if_rotation: int | None = None) -> ApiKey:
        key = self._get(connection, key_id)
        if key.status is KeyStatus.REVOKED:
            raise not_found()
        if if_rotation is not None and if_rotation != key.rotation:
            raise Problem(
                409,
                f"Nothing changed: the rotation of this key is {key.rotation}, not {if_rotation}.",
            )
        return key

    def _issued(self, connection: sqlite3.Connection, key_id: str, rotation: int) -> IssuedKey:
        """Give the key the secret of this rotation."""
        (number,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM key_secrets").fetchone()
        secret = new_secret(self._style, number)
        connection.execute(
            "INSERT INTO key_secrets (hash, key_id, rotation, last_four, number) VALUES (?, ?, ?, ?, ?)",
            (
                hash_of(secret.reveal()),
                key_id,
                rotation,
                secret.last_four,
                number_of(secret.reveal()),
            ),
        )
        return IssuedKey(**msgspec.structs.asdict(self._get(connection, key_id)), secret=secret)


def _window(row: sqlite3.Row, now: datetime) -> tuple[datetime, int]:
    """Return the start of the current minute of the rate limit, and the calls counted in it so far."""
    started = from_iso_or_none(row["window_started_at"])
    if started is None or not 0 <= (now - started).total_seconds() < RATE_WINDOW:
        return now, 0
    return started, row["window_calls"]


def _name_taken() -> Problem:
    return invalid("name", "The name has already been taken.")


def _api_key(row: sqlite3.Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        last_four=row["last_four"],
        status=KeyStatus(row["status"]),
        access=row["access"],
        rotation=row["rotation"],
        created_at=datetime.fromisoformat(row["created_at"]),
        rotated_at=from_iso_or_none(row["rotated_at"]),
        last_used_at=from_iso_or_none(row["last_used_at"]),
        last_used_ip=row["last_used_ip"],
        previous_expires_at=from_iso_or_none(row["previous_expires_at"]),
        revoked_at=from_iso_or_none(row["revoked_at"]),
        created_by=User(row["created_by"], row["user_name"], row["user_email"]),
    )
