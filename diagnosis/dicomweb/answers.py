"""Bodies of DICOMweb answers, written as they go out."""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse

from diagnosis.dicomweb.media import JSON

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class OutgoingPart:
    """One part of a multipart answer."""

    content: bytes
    content_type: str
    location: str = ""


def multipart_answer(parts: Iterable[OutgoingPart], *, media_type: str) -> StreamingHttpResponse:
    """Return multipart/related, written part by part; no part is held longer than it takes to send."""
    boundary = secrets.token_hex(20)
    return StreamingHttpResponse(
        _written(parts, boundary=boundary),
        content_type=f'multipart/related; type="{media_type}"; boundary={boundary}',
    )


def single_answer(part: OutgoingPart) -> HttpResponse:
    """Return one part as the body itself."""
    response = HttpResponse(part.content, content_type=part.content_type)
    if part.location:
        response["Content-Location"] = part.location
    return response


def json_answer(
    body: Any, *, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return DICOM JSON (PS3.18 F)."""
    content = json.dumps(body, separators=(",", ":"))
    return HttpResponse(content, status=status, content_type=JSON, headers=dict(headers or {}))


def json_list_answer(rows: Iterable[Mapping[str, Any]]) -> StreamingHttpResponse:
    """Return a list of DICOM JSON objects, written one by one."""
    return StreamingHttpResponse(_listed(rows), content_type=JSON)


def _written(parts: Iterable[OutgoingPart], *, boundary: str) -> Iterator[bytes]:
    lead = f"--{boundary}\r\n"
    for part in parts:
        location = f"Content-Location: {part.location}\r\n" if part.location else ""
        length = f"Content-Length: {len(part.content)}\r\n"
        yield f"{lead}Content-Type: {part.content_type}\r\n{location}{length}\r\n".encode()
        for start in range(0, len(part.content), CHUNK_BYTES):
            yield part.content[start : start + CHUNK_BYTES]
        lead = f"\r\n--{boundary}\r\n"
    yield f"\r\n--{boundary}--\r\n".encode()


def _listed(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    lead = "["
    for row in rows:
        yield (lead + json.dumps(row, separators=(",", ":"))).encode()
        lead = ","
    yield b"[]" if lead == "[" else b"]"
