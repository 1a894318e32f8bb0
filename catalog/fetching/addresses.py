"""Which addresses a download may use, and how a failed attempt is reported."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit, urlunsplit


class AttemptError(Exception):
    """Why one attempt failed, and whether another may succeed.

    `kind` is `content` where a whole answer came and wasn't the published bytes.
    """

    def __init__(
        self,
        reason: str,
        *,
        kind: str = "network",
        again: bool = True,
        wait: float = 0.0,
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.again = again
        self.wait = wait
        self.received = 0


def redact_url(url: str) -> str:
    """Return an address without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def check_address(url: str) -> None:
    """Refuse all but `https`, and plain `http` on this machine.

    Raises
    ------
    AttemptError
        Also for an address that carries a user or a password.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        message = "no valid address"
        raise AttemptError(message, again=False) from error
    if not host or parts.username is not None or parts.password is not None:
        message = "needs a host, and no user or password"
        raise AttemptError(message, again=False)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return
    message = f"{parts.scheme!r} is not allowed, only https"
    raise AttemptError(message, again=False)


def check_redirect(source: str, target: str) -> None:
    """Refuse a redirect to another scheme or into a private network.

    Raises
    ------
    AttemptError
    """
    check_address(target)
    here, there = urlsplit(source), urlsplit(target)
    if there.scheme != here.scheme:
        message = f"redirect from {here.scheme} to {there.scheme}"
        raise AttemptError(message, again=False)
    host = there.hostname or ""
    if host != here.hostname and not _is_public(host):
        message = f"redirect to the private host {host!r}"
        raise AttemptError(message, again=False)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_public(host: str) -> bool:
    """Say whether every known address of a host is a public one.

    A name that this machine can't resolve is left to the proxy that may.
    """
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, ValueError):
        return host != "localhost"
    addresses = (str(item[4][0]).partition("%")[0] for item in found)
    return all(ipaddress.ip_address(address).is_global for address in addresses)
