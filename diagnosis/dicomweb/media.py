"""Which representation a client accepts (PS3.18 8.7, RFC 9110 12.5.1)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus

from pydicom.uid import HTJ2K as HTJ2KLossy
from pydicom.uid import JPEG2000 as JPEG2000Lossy
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from rest_framework.request import Request

from medimaging.common.errors import ApplicationError

DICOM = "application/dicom"
JSON = "application/dicom+json"
OCTETS = "application/octet-stream"
JPEG = "image/jpeg"
PNG = "image/png"
ANY_SYNTAX = "*"
MEDIA_TYPE_OF: dict[str, str] = {
    **dict.fromkeys((JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1), JPEG),
    **dict.fromkeys((JPEGLSLossless, JPEGLSNearLossless), "image/jls"),
    **dict.fromkeys((JPEG2000Lossless, JPEG2000Lossy), "image/jp2"),
    **dict.fromkeys((HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2KLossy), "image/jphc"),
    RLELossless: "image/dicom-rle",
}
"""Transfer syntax to the media type of one of its frames (PS3.18 8.7.3.3)."""
_ITEMS = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^,"])+)')
_LONGEST_ACCEPT = 4000


class NotAcceptable(ApplicationError):
    """What the client accepts is nothing that there is."""

    code = "not_acceptable"
    status = HTTPStatus.NOT_ACCEPTABLE


@dataclass(frozen=True)
class Accepted:
    """One thing a client accepts."""

    media_type: str
    multipart: bool = False
    transfer_syntax: str = ""
    quality: float = 1.0

    def fits(self, media_type: str) -> bool:
        """Tell whether `media_type` is of the type, or of the range of types."""
        kind = media_type.partition("/")[0]
        return self.media_type in (media_type, "*/*", f"{kind}/*")

    @property
    def wildcard(self) -> bool:
        return self.media_type == "*/*"


def accepted(request: Request) -> list[Accepted]:
    """Return what the client accepts, what it likes best first; the query may say it too (PS3.18 8.3.3.1)."""
    text = ",".join(request.query_params.getlist("accept")) or request.headers.get("Accept", "") or "*/*"
    if len(text) > _LONGEST_ACCEPT:
        raise NotAcceptable("The Accept header is longer than is read here.")
    found = [item for entry in _ITEMS.findall(text) if (item := _accepted(entry)).quality > 0]
    return sorted(found, key=lambda item: -item.quality)


def choose(request: Request, *offered: str) -> str:
    """Return the one of `offered` that the client likes best; the first of them where it likes all the same.

    Raises:
        NotAcceptable: none of them is accepted.
    """
    for item in accepted(request):
        for media_type in offered:
            if item.fits(media_type) and not item.multipart:
                return media_type
    raise NotAcceptable(
        "This is not there in a media type that you accept.", mend=f"Accept one of: {', '.join(offered)}."
    )


def wanted_syntaxes(items: Sequence[Accepted]) -> list[str]:
    """Return the transfer syntaxes in which DICOM files are wanted; what names none wants the default."""
    return [item.transfer_syntax or default_syntax(item) for item in items]


def default_syntax(item: Accepted) -> str:
    """Return what is meant where no transfer syntax is named (PS3.18 8.7.3.5.2)."""
    return ANY_SYNTAX if item.wildcard and not item.multipart else str(ExplicitVRLittleEndian)


def best_syntax(wanted: Sequence[str], *, stored: UID, written: Sequence[str]) -> str:
    """Return the transfer syntax to send a file in: as it is stored where that is wanted.

    Raises:
        NotAcceptable: none of the wanted ones can be had.
    """
    if stored in wanted or ANY_SYNTAX in wanted:
        return str(stored)
    for syntax in wanted:
        if syntax in written:
            return syntax
    raise NotAcceptable(
        f"The object is stored as '{stored.name}', and is not made into what you accept.",
        mend="Accept transfer-syntax=* to get it as it is stored.",
    )


def _accepted(entry: str) -> Accepted:
    header = Message()
    header["Content-Type"] = entry.strip()
    parameters = dict(_parameters(header))
    media_type = header.get_content_type() if "/" in entry else ""
    if entry.strip().startswith("*/*"):
        media_type = "*/*"
    elif (kind := entry.strip().partition(";")[0].strip().lower()).endswith("/*"):
        media_type = kind
    multipart = media_type == "multipart/related"
    return Accepted(
        media_type=parameters.get("type", "*/*").lower() if multipart else media_type,
        multipart=multipart,
        transfer_syntax=parameters.get("transfer-syntax", ""),
        quality=_quality(parameters.get("q", "1")),
    )


def _parameters(header: Message) -> Iterator[tuple[str, str]]:
    for name, value in (header.get_params(failobj=[]) or [])[1:]:
        yield name.lower(), value.strip()


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
