"""Pictures from the web: fetched within limits, and never from one's own network unasked."""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

import httpcore2 as http

from phi3v_tui import __version__
from phi3v_tui.conversation.attachment import MAX_BYTES, Attachment
from phi3v_tui.conversation.parts import frame_of, with_number
from phi3v_tui.errors import AttachmentError

_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS: dict[bytes | str, bytes | str] = {
    "User-Agent": f"phi3v-tui/{__version__}",
    "Accept": "image/*",
    "Connection": "close",
}
_LISTEN_SECONDS = 0.25
_CHECK_ADDRESS = "Check the address, or download the picture and attach the file."

Progress = Callable[[int, int | None], None]
"""Told of bytes so far, and of how many there will be where the server says so."""


@dataclass(frozen=True, slots=True)
class WebLimits:
    """How far a server is trusted.

    Attributes:
        seconds: For everything together: names, redirects, the picture.
        connect_seconds: For one connection.
        max_bytes: Largest picture.
        redirects: Most redirects that are followed.
    """

    seconds: float = 60.0
    connect_seconds: float = 10.0
    max_bytes: int = MAX_BYTES
    redirects: int = 5


def fetch_picture(
    url: str,
    allow_private: bool = False,
    progress: Progress = lambda done, total: None,
    is_abandoned: Callable[[], bool] = lambda: False,
    limits: WebLimits = WebLimits(),
    clock: Callable[[], float] = time.monotonic,
) -> Attachment:
    """Fetch a picture. Slow: call it in a thread.

    Names are resolved here, every address is checked, and the connection is made to the address
    that was checked, for each redirect anew; proxies of the environment are not used.

    Args:
        url: An http or https address.
        allow_private: Also from addresses that are not public, such as 127.0.0.1 or 192.168.0.1.
        progress: Called as bytes come.
        is_abandoned: Ends the work when it becomes true.
        limits: On size, time and redirects.
        clock: Seconds, for the time limit.

    Raises:
        AttachmentError: Refused, not reachable, too large, too slow, abandoned, or no picture.
    """
    download = _Download(allow_private, progress, is_abandoned, limits, clock)
    try:
        data = download.fetch(url.strip())
    except (http.NetworkError, http.ProtocolError, http.TimeoutException, OSError) as error:
        download.watch()
        reason = str(error) or type(error).__name__
        raise AttachmentError(f"{url} could not be fetched: {reason}.", _CHECK_ADDRESS) from error
    _, frame = with_number(Path(url))
    return frame_of(Attachment.from_bytes(data, _name(url), url), frame)


class _Download:
    """One picture, through its redirects."""

    def __init__(
        self,
        allow_private: bool,
        progress: Progress,
        is_abandoned: Callable[[], bool],
        limits: WebLimits,
        clock: Callable[[], float],
    ) -> None:
        self._allow_private = allow_private
        self._progress = progress
        self._is_abandoned = is_abandoned
        self._limits = limits
        self._clock = clock
        self._end = clock() + limits.seconds

    def watch(self) -> float:
        """Seconds left.

        Raises:
            AttachmentError: None are left, or nobody waits any more.
        """
        if self._is_abandoned():
            raise AttachmentError("The download was cancelled.", "")
        left = self._end - self._clock()
        if left <= 0:
            raise AttachmentError(
                f"The picture did not come within {self._limits.seconds:g} seconds.",
                _CHECK_ADDRESS,
            )
        return left

    def fetch(self, url: str) -> bytes:
        for _ in range(self._limits.redirects + 1):
            answer = self._get(_checked(url))
            if isinstance(answer, bytes):
                return answer
            url = _joined(url, answer)
        raise AttachmentError(
            f"{url} redirects more than {self._limits.redirects} times.", _CHECK_ADDRESS
        )

    def _get(self, parts: SplitResult) -> bytes | str:
        """The body, or where it is instead."""
        wire = quote(parts._replace(fragment="").geturl(), safe=":/?#[]@!$&'()*+,;=%")
        backend = _CheckedBackend(self)
        with (
            http.ConnectionPool(network_backend=backend, max_connections=1) as pool,
            pool.stream("GET", wire, headers=_HEADERS) as response,
        ):
            headers = {key.lower(): value.decode("latin-1") for key, value in response.headers}
            if response.status in _REDIRECTS and b"location" in headers:
                return headers[b"location"]
            if response.status != 200:
                raise AttachmentError(
                    f"{parts.hostname} answered {response.status} instead of a picture.",
                    _CHECK_ADDRESS,
                )
            if headers.get(b"content-type", "").startswith("text/html"):
                raise AttachmentError(
                    "The address is that of a web page, not of a picture.",
                    "Open the page and copy the address of the picture itself.",
                )
            return self._body(response, headers.get(b"content-length", ""))

    def _body(self, response: http.Response, announced: str) -> bytes:
        total = int(announced) if announced.isdigit() else None
        self._require_size(total or 0)
        body = bytearray()
        for piece in response.iter_stream():
            body += piece
            self._require_size(len(body))
            self._progress(len(body), total)
        return bytes(body)

    def _require_size(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise AttachmentError(
                "The picture at this address is too large.",
                f"At most {self._limits.max_bytes / 2**20:.3g} MB are fetched.",
            )

    def connect(self, host: str, port: int) -> http.NetworkStream:
        """Connect to the first address of a host that answers, all of them being allowed."""
        addresses = _resolve(host, port)
        if not self._allow_private and not all(map(_is_public, addresses)):
            raise AttachmentError(
                f"{host} is not a public address, so nothing is fetched from it.",
                "To allow it, put allow_private_urls = true into config.toml.",
            )
        failure: http.NetworkError | http.TimeoutException | None = None
        for address in addresses:
            seconds = min(self.watch(), self._limits.connect_seconds)
            try:
                return http.SyncBackend().connect_tcp(address, port, timeout=seconds)
            except (http.ConnectError, http.ConnectTimeout) as error:
                failure = error
        raise failure or http.ConnectError("no address")


class _CheckedBackend(http.NetworkBackend):
    """Connects where the download allows it, and keeps to its time."""

    def __init__(self, download: _Download) -> None:
        self._download = download

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> http.NetworkStream:
        return _TimedStream(self._download.connect(host, port), self._download)


class _TimedStream(http.NetworkStream):
    """A connection that listens in short spells, so that the end of the time is noticed."""

    def __init__(self, stream: http.NetworkStream, download: _Download) -> None:
        self._stream = stream
        self._download = download

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            seconds = min(self._download.watch(), _LISTEN_SECONDS)
            try:
                return self._stream.read(max_bytes, seconds)
            except http.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._download.watch())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> http.NetworkStream:
        seconds = self._download.watch()
        tls = self._stream.start_tls(ssl_context, server_hostname, seconds)
        return _TimedStream(tls, self._download)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _checked(url: str) -> SplitResult:
    """An address that may be asked for.

    Raises:
        AttachmentError: It is malformed, of another scheme, or with a name and password.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        is_ascii = parts.netloc.isascii()
        host = None if is_ascii else (parts.hostname or "").encode("idna").decode()
    except ValueError:
        fits = False
    if not fits:
        raise _no_address(url)
    if "@" in parts.netloc:
        raise AttachmentError(
            "The address holds a name or a password.", "Download the picture and attach the file."
        )
    port = f":{parts.port}" if host and parts.port else ""
    return parts._replace(netloc=f"{host}{port}") if host else parts


def _joined(url: str, place: str) -> str:
    """Where a redirect leads."""
    try:
        return urljoin(url, place)
    except ValueError as error:
        raise _no_address(place) from error


def _no_address(url: str) -> AttachmentError:
    return AttachmentError(
        f"{url} is not an http or https address.", "Type it in full: https://example.org/a.png."
    )


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AttachmentError(
            f"No computer named {host} was found.", "Check the address and the network."
        ) from error
    return list(dict.fromkeys(str(item[4][0]) for item in found))


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_WRAPPED_AT_HOME = tuple(
    map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96", "fec0::/10"))
)
"""IPv4 as translators of one's own network wrap it, and addresses of a site; none is public."""


def _is_public(text: str) -> bool:
    """Whether an address is one of the open internet, also that which is wrapped in it."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(str(inner))
        if address.teredo is not None or any(address in one for one in _WRAPPED_AT_HOME):
            return False
    return address.is_global and not address.is_multicast


def _name(url: str) -> str:
    parts = urlsplit(url)
    return PurePosixPath(unquote(parts.path)).name or parts.hostname or "picture"
