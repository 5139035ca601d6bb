"""TLS: the context in which every https request is made, and what one connection came out as."""

import re
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from astalty_cli.base.errors import LocalError

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
    """Trust the system's store, and the authorities in `ca_file`. Raises LocalError where that is none."""
    if scheme == "http":  # loopback only: an empty context trusts nobody and costs nothing
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    import truststore

    made = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is not None:
        try:
            made.load_verify_locations(ca_file)
        except OSError as error:  # of which SSLError is one, with words for who knows OpenSSL
            reason = "there is no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
            raise LocalError(
                f"--ca-file {ca_file} is not usable: {reason}.",
                hint="It is a file of certificates in PEM: -----BEGIN CERTIFICATE-----",
            ) from None
    return made


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
