"""Checks of the way to the server: the proxy, its name, the connection, and what time it is there."""

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from astalty_cli.api.limits import look_up
from astalty_cli.api.proxy import proxy_for, without_login
from astalty_cli.api.tls import Security
from astalty_cli.base.durations import format_duration
from astalty_cli.base.errors import ServiceError, UsageError
from astalty_cli.base.times import utc_now
from astalty_cli.config.settings import Settings
from astalty_cli.services.doctor.check import Result, ok, skipped, warning
from astalty_cli.services.doctor.server import Server

_ENDS_SOON: Final = timedelta(days=14)
_CLOCKS_DIFFER: Final = timedelta(seconds=30)
# OpenSSL, which is what checks certificates on Linux, takes these in place of the system's own.
_STORES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_IN_PROCESS: Final = "The sandbox runs in this process."


def proxy(settings: Settings, environ: Mapping[str, str]) -> Result:
    """Raises UsageError for what is no proxy's address."""
    if settings.is_sandbox:
        return skipped(_IN_PROCESS)
    address = _proxy_of(settings, environ)
    if address is None:
        return ok("None in between.")
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    shown = without_login(address)
    if not usable:
        raise UsageError(f"HTTPS_PROXY is no proxy's address: {shown}", hint="Such as http://host:3128")
    return ok(f"{shown} (HTTPS_PROXY)")


def dns(settings: Settings, environ: Mapping[str, str], seconds: float) -> Result:
    """Look up the name that is connected to: the proxy's, if there is one. Raises ServiceError."""
    if settings.is_sandbox:
        return skipped(_IN_PROCESS)
    address = _proxy_of(settings, environ)
    host = urlsplit(address or settings.base_url.value).hostname or ""
    if _is_address(host):
        return ok(f"{host} is an address: there is nothing to look up.")
    found = ", ".join(_looked_up(host, seconds))
    return ok(f"{host} is {found}" + (" (the proxy looks up the server)" if address else ""))


def tls(settings: Settings, server: Server, ca_file: Path | None, environ: Mapping[str, str]) -> Result:
    """Connect as every command does. Raises ServiceError if that fails."""
    if settings.is_sandbox:
        return skipped(_IN_PROCESS)
    reply = server.document
    try:
        reply.raise_for_failure()
    except ServiceError as error:
        if "CERTIFICATE" in error.message:
            raise ServiceError(error.message, hint=_certificate_hint(error.message)) from None
        raise
    if reply.security is None:
        return ok("None: plain http, which is allowed to this machine alone.")
    named = [f"{name}={environ[name]}" for name in _STORES if environ.get(name)]
    stores = [", ".join(named) or "the system's store", *([str(ca_file)] if ca_file else [])]
    return _secured(reply.security, " and ".join(stores))


def clock(server: Server) -> Result:
    """Compare this machine's with the server's, which says whole seconds."""
    ahead = server.document.clock_ahead
    if ahead is None and server.secret is not None:
        ahead = server.proof.clock_ahead
    if ahead is None:
        return skipped("The server did not say what time it is.")
    if abs(ahead) < _CLOCKS_DIFFER:
        return ok("As the server's.")
    side = "ahead of" if ahead > timedelta() else "behind"
    return warning(
        f"This machine's clock is {format_duration(abs(ahead))} {side} the server's.",
        "Let the system set it over the network (NTP): --since 1h and the like go by it.",
    )


def _proxy_of(settings: Settings, environ: Mapping[str, str]) -> str | None:
    parts = urlsplit(settings.base_url.value)
    return proxy_for(parts.hostname or "", environ) if parts.scheme == "https" else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _looked_up(host: str, seconds: float) -> list[str]:
    try:
        return sorted(look_up(host, seconds))
    except OSError as error:
        raise ServiceError(
            f"The name {host} cannot be looked up: {error}.",
            hint="Check the base URL for a typo, and the network: DNS, or a VPN that is not up.",
        ) from None


def _secured(security: Security, store: str) -> Result:
    found = f"{security.protocol}, trusted by {store}"
    if security.ends is None:
        return ok(found)
    left = security.ends - utc_now()
    found += f"; the certificate, by {security.issuer}, ends in {format_duration(left)}"
    if left < _ENDS_SOON:
        return warning(found, "Whoever runs the server has to renew it; after that nothing works.")
    return ok(found)


def _certificate_hint(reason: str) -> str:
    if "expired" in reason or "not yet valid" in reason:
        return "The server's certificate has to be renewed, unless this machine's clock is wrong."
    if "mismatch" in reason:
        return "The certificate is another server's. Check the base URL."
    return "If your company's own authority stands behind it, trust that: --ca-file FILE"
