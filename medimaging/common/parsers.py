"""What bodies the REST interface reads, and up to which size."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.datastructures import MultiValueDict
from rest_framework import parsers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from medimaging.common.problems import BodyTooLarge, LengthRequired

CHUNK_BYTES = 256 * 1024
MULTIPART_OVERHEAD_BYTES = 1024 * 1024


class JSONParser(parsers.JSONParser):
    """JSON of a depth and size that cannot hurt."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return what the JSON says.

        Raises:
            ParseError: it is not JSON, or nested too deep.
        """
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deep.") from error


class RawFileParser(parsers.BaseParser):
    """A body that is the file itself, whatever content type it claims; read byte for byte."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> "parsers.DataAndFiles[Any, Any]":
        """Return the body as the one file `file`.

        Raises:
            BodyTooLarge: there were more bytes than are accepted, noticed while reading.
        """
        content = bytearray()
        while chunk := stream.read(CHUNK_BYTES):
            content += chunk
            if len(content) > settings.UPLOAD_MAX_BYTES:
                raise BodyTooLarge(too_large_message())
        files: MultiValueDict[str, Any] = MultiValueDict()
        files.appendlist("file", SimpleUploadedFile("file", bytes(content)))
        return parsers.DataAndFiles(MultiValueDict(), files)


def too_large_message() -> str:
    """Say how much is accepted."""
    return f"The file is larger than the {settings.UPLOAD_MAX_BYTES // 2**20} MB that are accepted."


def check_length(request: Request, *, limit: int, accepts_chunks: bool = False) -> None:
    """Refuse a body by its announced length, before a byte of it is read.

    Raises:
        LengthRequired: the body is announced without a length, and the view or the server cannot do without.
        BodyTooLarge: it is longer than `limit` bytes.
    """
    length = request.META.get("CONTENT_LENGTH") or ""
    ends_by_itself = accepts_chunks and bool(request.META.get("wsgi.input_terminated"))
    if not length and request.META.get("HTTP_TRANSFER_ENCODING") and not ends_by_itself:
        raise LengthRequired
    if length.isdecimal() and int(length) > limit:
        raise BodyTooLarge
