"""HTTPS_PROXY and NO_PROXY: a transport of one's own has to be told about them."""

from collections.abc import Mapping

from astalty_cli.api.origin import is_loopback


def proxy_for(host: str, environ: Mapping[str, str]) -> str | None:
    """The proxy that stands before this host, as the environment names it; never one before loopback."""
    proxy = environ.get("HTTPS_PROXY") or environ.get("https_proxy")
    if not proxy or is_loopback(host):
        return None
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

    exempt = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    return None if proxy_bypass_environment(host, {"no": exempt}) else proxy


def without_login(proxy: str) -> str:
    """The proxy's address as it may be shown: its user and password hidden, whatever they are made of."""
    before, at, host = proxy.rpartition("@")
    if not at:
        return proxy
    scheme, slashes, _ = before.partition("://")
    return f"{scheme}{slashes}…@{host}" if slashes else f"…@{host}"
