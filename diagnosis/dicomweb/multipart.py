"""Read a multipart/related body as it streams in, byte for byte (RFC 2046 5.1, PS3.18 8.6.1.2.1).

A part ends at a line that is nothing but its delimiter. Bytes that only look
like one, white space at the end of the pixels, and a boundary that stands
inside the pixels all belong to the part.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Protocol

CHUNK_BYTES = 64 * 1024
MAX_HEADER_BYTES = 16 * 1024
MAX_PREAMBLE_BYTES = 64 * 1024
MAX_PADDING_BYTES = 64
"""White space that may stand between a delimiter and the end of its line."""
LONGEST_BOUNDARY = 200
"""RFC 2046 says 70; Orthanc sends 73."""
SPOOL_BYTES = 1024 * 1024
"""Larger parts wait on disk, in files without a name that end with the process at the latest."""
_EMPTY_LINE = b"\r\n"


class MultipartError(Exception):
    """The body is not what its Content-Type says; fit to be read by who sent it."""


class BodyTooLong(MultipartError):
    """There were more bytes or parts than are read in one request."""


@dataclass(frozen=True)
class Part:
    """One part; `content` is None where it was longer than is accepted and was passed over."""

    headers: Mapping[str, str]
    content: bytes | None


@dataclass(frozen=True)
class MultipartLimits:
    """What a body may cost."""

    max_part_bytes: int
    max_body_bytes: int
    max_parts: int


class _Sink(Protocol):
    def __call__(self, data: bytes) -> None: ...


def read_parts(read: Callable[[int], bytes], *, boundary: str, limits: MultipartLimits) -> Iterator[Part]:
    """Yield the parts of a body in turn, holding one of them at a time.

    `read` returns up to that many bytes, and none at the end.

    Raises:
        MultipartError: what is wrong with the body, when it is met; the parts before it were yielded.
    """
    reader = _Reader(read, boundary=boundary.encode("ascii"), limits=limits)
    more = reader.skip_preamble()
    count = 0
    while more:
        count += 1
        if count > limits.max_parts:
            raise BodyTooLong(f"The body has more than the {limits.max_parts} parts that are accepted.")
        headers = reader.headers()
        with closing(_Spool(limits.max_part_bytes)) as spool:
            more = reader.copy_part(spool.write)
            part = Part(headers=headers, content=spool.content())
        yield part
    if count == 0:
        raise MultipartError("The body holds no part.")


class _Spool:
    """What a part holds, in memory while it is small; nothing of a part that is too long."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._length = -len(_EMPTY_LINE)
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - see close

    def write(self, data: bytes) -> None:
        """Keep what follows the empty line that the part begins with."""
        kept = data[max(0, -self._length) :]
        self._length += len(data)
        if self._length <= self._limit:
            self._file.write(kept)

    def content(self) -> bytes | None:
        if self._length > self._limit:
            return None
        self._file.seek(0)
        return self._file.read()

    def close(self) -> None:
        self._file.close()


class _Reader:
    """The bytes that were read and not yet consumed: about a chunk, whatever the body holds."""

    def __init__(self, read: Callable[[int], bytes], *, boundary: bytes, limits: MultipartLimits) -> None:
        self._read = read
        line = b"\\r\\n--" + re.escape(boundary) + b"(?P<closes>--)?[ \\t]{0,%d}" % MAX_PADDING_BYTES
        self._line = re.compile(line + b"\\r\\n")
        self._last_line = re.compile(line.replace(b")?", b")") + b"\\Z")
        self._longest_line = len(boundary) + MAX_PADDING_BYTES + len(b"\r\n----\r\n")
        # The first delimiter may be the very beginning of the body.
        self._buffer = bytearray(b"\r\n")
        self._total = 0
        self._limit = limits.max_body_bytes

    def skip_preamble(self) -> bool:
        """Go past what stands before the first part; tell whether there is one."""
        skipped = 0

        def count(data: bytes) -> None:
            nonlocal skipped
            skipped += len(data)
            if skipped > MAX_PREAMBLE_BYTES:
                raise MultipartError("The body does not begin with the boundary of its Content-Type.")

        return self.copy_part(count, missing="The body does not hold the boundary of its Content-Type.")

    def headers(self) -> dict[str, str]:
        """Return the header fields of the part that begins here, their names in small letters.

        The empty line after them stays: in an empty part it begins the delimiter.
        """
        self._need(len(_EMPTY_LINE))
        if self._buffer.startswith(_EMPTY_LINE):
            return {}
        while (end := self._buffer.find(b"\r\n\r\n", 0, MAX_HEADER_BYTES)) < 0:
            if len(self._buffer) >= MAX_HEADER_BYTES:
                raise MultipartError(
                    f"The header of a part is longer than the {MAX_HEADER_BYTES} bytes that are accepted."
                )
            if not self._fill():
                raise MultipartError("The body ends within the header of a part.")
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        self._consume(end + 2)
        return dict(_header_field(line) for line in lines)

    def copy_part(
        self, sink: _Sink, *, missing: str = "The body ends before the delimiter that ends its last part."
    ) -> bool:
        """Give everything up to the next delimiter to `sink`; tell whether another part follows."""
        while (line := self._line.search(self._buffer)) is None:
            self._pass_on(len(self._buffer) - self._longest_line, sink)
            if not self._fill():
                line = self._last_line.search(self._buffer)
                break
        if line is None:
            raise MultipartError(missing)
        sink(bytes(self._buffer[: line.start()]))
        self._consume(line.end())
        return line["closes"] is None

    def _pass_on(self, length: int, sink: _Sink) -> None:
        if length > 0:
            sink(bytes(self._buffer[:length]))
            self._consume(length)

    def _consume(self, length: int) -> None:
        del self._buffer[:length]

    def _need(self, length: int) -> bool:
        """Read until the buffer holds `length` bytes; tell whether it does."""
        while len(self._buffer) < length:
            if not self._fill():
                return False
        return True

    def _fill(self) -> bool:
        chunk = self._read(CHUNK_BYTES)
        self._total += len(chunk)
        if self._total > self._limit:
            raise BodyTooLong(f"The body is longer than the {self._limit // 2**20} MB that are accepted.")
        self._buffer += chunk
        return bool(chunk)


def _header_field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise MultipartError("The header of a part holds a line that is no header field.")
    return name.strip().lower(), value.strip()
