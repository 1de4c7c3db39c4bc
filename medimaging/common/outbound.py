"""Requests to addresses that somebody else named: only to public ones, and bounded in time.

The name is resolved once, every address it stands for is checked, and the connection goes
to the very address that was checked, so that a name cannot change in between. Redirects
are not followed, proxies of the environment are not used, and no body is read.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore
from django.conf import settings

from medimaging.common.errors import ApplicationError

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
LONGEST_URL = 500
DEFAULT_PORTS = {"https": 443, "http": 80}
TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))
"""IPv6 networks that lead to an IPv4 address of the sender's choice."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenAddress(ApplicationError):
    """The URL leads where this site sends nothing."""

    code = "forbidden_address"
    mend = "Give an https address that is reachable from the public internet."


class Unreachable(Exception):
    """Nobody answered; the text says why, in a few words."""


def post(url: str, *, body: str, headers: Mapping[str, str]) -> int:
    """Send `body` and return the status of the answer.

    Raises:
        ForbiddenAddress: the name leads to an address that nothing is sent to.
        Unreachable: there was no answer.
    """
    parts = checked_url(url)
    tls, backend = ssl.create_default_context(), _PinnedBackend(scheme=parts.scheme)
    sent: dict[bytes | str, bytes | str] = {"Host": parts.netloc, **dict(headers.items())}
    try:
        with (
            httpcore.ConnectionPool(ssl_context=tls, network_backend=backend) as pool,
            pool.stream(
                "POST",
                url,
                headers=sent,
                content=body.encode(),
                extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), TOTAL_SECONDS)},
            ) as response,
        ):
            return int(response.status)
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise Unreachable(type(error).__name__) from error


def checked_url(url: str) -> SplitResult:
    """Return the parts of a URL that something may be sent to, as far as it can be told by now."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise ForbiddenAddress("This is not a URL.") from error
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST_URL
    if not plain or not host or parts.scheme not in DEFAULT_PORTS:
        raise ForbiddenAddress("This is not an https URL.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ForbiddenAddress("The URL must hold no user, password or fragment.")
    resolve(host, port, scheme=parts.scheme)
    return parts


def resolve(host: str, port: int, *, scheme: str) -> str:
    """Return the address to connect to, once every address of the name was found to be allowed.

    Raises:
        ForbiddenAddress: one of them is private, or the name leads nowhere.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ForbiddenAddress("The name of this address is not known.") from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    inside = all(_is_in(address, settings.WEBHOOK_ALLOWED_NETWORKS) for address in addresses)
    if not addresses or not (inside or all(is_public(address) for address in addresses)):
        raise ForbiddenAddress("This address is not a public one.")
    if scheme != "https" and not inside:
        raise ForbiddenAddress("Without https anybody on the way could read and change what is sent.")
    return str(addresses[0])


def is_public(address: Address) -> bool:
    """Tell whether the address is one of the public internet, whatever it is written as."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return is_public(mapped)
    if any(address in network for network in TRANSLATED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_in(address: Address, networks: Iterable[str]) -> bool:
    return any(address in ipaddress.ip_network(network) for network in networks)


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to the address that was checked, never to a name."""

    def __init__(self, *, scheme: str) -> None:
        self._scheme = scheme
        self._backend = httpcore.SyncBackend()
        self._deadline = time.monotonic() + TOTAL_SECONDS

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """Open a connection to the one address that `host` was just resolved to."""
        address = resolve(host, port, scheme=self._scheme)
        stream = self._backend.connect_tcp(address, port, timeout=CONNECT_SECONDS)
        return _BoundedStream(stream, deadline=self._deadline)


class _BoundedStream(httpcore.NetworkStream):
    """A stream that ends at a deadline, however slowly the other side goes on."""

    def __init__(self, stream: httpcore.NetworkStream, *, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("The answer took too long.")
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, in the time that is left."""
        return self._stream.read(max_bytes, timeout=self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write in the time that is left."""
        self._stream.write(buffer, timeout=self._left())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Go on encrypted; the certificate must be the name's, not the address's."""
        secured = self._stream.start_tls(ssl_context, server_hostname=server_hostname, timeout=self._left())
        return _BoundedStream(secured, deadline=self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the connection."""
        return self._stream.get_extra_info(info)
