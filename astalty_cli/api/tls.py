"""TLS: the context in which every https request is made, and what one connection came out as."""

import re
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from astalty_cli.base import private_files
from astalty_cli.base.errors import LocalError

_MAX_CA_FILE: Final = 4 * 1024 * 1024  # bytes; what a system trusts takes a tenth of it
_LINE_OF_C = re.compile(r"(?:(?<!\s)\s++)?\(_ssl\.c:\d+\)|_ssl\.c:\d+:\s*")


class Security(NamedTuple):
    """A connection that was secured.

    Where the system itself checks certificates (macOS, Windows), Python is not told what is in them: then
    `issuer` and `ends` are None.
    """

    protocol: str
    issuer: str | None
    ends: datetime | None


def context(scheme: str, ca_file: Path | None) -> ssl.SSLContext:
    """Trust the system's store, and the authorities in `ca_file`. Raises LocalError if that is none."""
    if scheme == "http":  # loopback only: an empty context trusts nobody and costs nothing
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    import truststore

    made = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is not None:
        try:
            certificates = private_files.read_named(ca_file, _MAX_CA_FILE)[:_MAX_CA_FILE]
            made.load_verify_locations(cadata=certificates.decode("ascii", "ignore"))
        except (OSError, ValueError) as error:
            raise LocalError(
                f"--ca-file {ca_file} is not usable: {_ca_file_problem(error)}.",
                hint="It is a file of certificates in PEM: -----BEGIN CERTIFICATE-----",
            ) from None
    return made


def _ca_file_problem(error: Exception) -> str:
    """An SSLError is an OSError too, with words for people who know OpenSSL."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return error.strerror or str(error)
    return "there is no certificate in it"


def in_words(reason: str) -> str:
    """Why a connection failed, without the line of C that said so."""
    return _LINE_OF_C.sub("", reason)


def is_no_tls(reason: str) -> bool:
    """Whether what answers there may speak plain http, or does not know TLS at all."""
    return "handshake" in reason or ("[SSL: " in reason and "CERTIFICATE" not in reason)


def security(connection: "ssl.SSLSocket | ssl.SSLObject") -> Security:
    certificate: Any = connection.getpeercert() or {}
    issuer = {name: value for parts in certificate.get("issuer", ()) for name, value in parts}
    ends = certificate.get("notAfter")
    return Security(
        connection.version() or "TLS",
        issuer.get("organizationName") or issuer.get("commonName"),
        datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None,
    )
