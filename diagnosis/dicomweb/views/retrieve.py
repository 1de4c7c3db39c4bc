"""WADO-RS: retrieve studies, series, instances, their metadata, frames and bulk data."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from diagnosis.dicomweb.answers import OutgoingPart, json_list_answer, multipart_answer, single_answer
from diagnosis.dicomweb.media import (
    DICOM,
    JSON,
    OCTETS,
    Accepted,
    NotAcceptable,
    accepted,
    choose,
    wanted_syntaxes,
)
from diagnosis.dicomweb.query import InvalidQuery
from diagnosis.dicomweb.retrieve import bulk_data, frame_parts, instance_part, metadata
from diagnosis.dicomweb.views.base import DicomwebView
from diagnosis.dicomweb.views.store import StoringView
from diagnosis.models import Instance

MOST_FRAMES = 512
_FRAMES = re.compile(r"[1-9][0-9]{0,8}(,[1-9][0-9]{0,8})*")


class RetrieveView(DicomwebView):
    """A series or an instance as DICOM files."""

    def get(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Return the files of what the address names."""
        instances = self.visible_instances(**kwargs)
        items = [item for item in accepted(request) if item.fits(DICOM)]
        single = "instance" in kwargs
        usable = [item for item in items if item.multipart or item.wildcard or single]
        if not usable:
            raise NotAcceptable(
                "DICOM files are sent here as parts of multipart/related.",
                mend='Accept multipart/related; type="application/dicom".',
            )
        parts = self._parts(instances, wanted=wanted_syntaxes(usable))
        # The first one is made before the answer begins, so that what cannot be sent is still refused.
        first = next(parts)
        if single and not usable[0].multipart and not usable[0].wildcard:
            return single_answer(first)
        return multipart_answer(chain([first], parts), media_type=DICOM)

    def _parts(self, instances: list[Instance], *, wanted: list[str]) -> Iterator[OutgoingPart]:
        addresses = self.addresses
        return (instance_part(instance, wanted=wanted, addresses=addresses) for instance in instances)


class StudyView(StoringView, RetrieveView):
    """A study: its files, and the address to add to it."""

    def post(self, request: Request, **kwargs: Any) -> HttpResponse:
        """Store instances of this study."""
        return self.store(request, study_uid=kwargs["study"])


class MetadataView(DicomwebView):
    """What the files say, apart from their bulk data."""

    def get(self, request: Request, **kwargs: Any) -> StreamingHttpResponse:
        """Return one DICOM JSON object for each instance."""
        choose(request, JSON, "application/json")
        instances = self.visible_instances(**kwargs)
        addresses = self.addresses
        return json_list_answer(metadata(instance, addresses=addresses) for instance in instances)


class FramesView(DicomwebView):
    """Frames of an instance."""

    def get(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Return the frames that the address counts, from 1."""
        instance = self.visible_instance(**kwargs)
        indexes = frame_indexes(kwargs["frames"], instance=instance)
        items = accepted(request)
        media_type, parts = frame_parts(instance, indexes=indexes, items=items, addresses=self.addresses)
        if len(indexes) == 1 and not _wants_multipart(items, media_type=media_type):
            return single_answer(next(parts))
        return multipart_answer(parts, media_type=media_type)


class BulkDataView(DicomwebView):
    """A large binary value of an instance."""

    def get(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Return the value, in little endian order and not compressed."""
        instance = self.visible_instance(**kwargs)
        items = [item for item in accepted(request) if item.fits(OCTETS)]
        if not items:
            raise NotAcceptable("Bulk data is octets.", mend=f"Accept {OCTETS}.")
        content = bulk_data(instance, tag=int(kwargs["tag"], 16))
        if content is None:
            raise Http404
        part = OutgoingPart(content, OCTETS, request.build_absolute_uri(request.path))
        return multipart_answer([part], media_type=OCTETS) if items[0].multipart else single_answer(part)


def frame_indexes(text: str, *, instance: Instance) -> list[int]:
    """Return the frames of a list such as '1,2', counted from zero.

    Raises:
        InvalidQuery: it is no list of frames.
        Http404: the instance has no such frame.
    """
    if not _FRAMES.fullmatch(text) or text.count(",") >= MOST_FRAMES:
        raise InvalidQuery(f"Frames are a list of at most {MOST_FRAMES} numbers from 1, such as 1,2,3.")
    numbers = [int(number) for number in text.split(",")]
    if max(numbers) > instance.frame_count:
        raise Http404
    return [number - 1 for number in numbers]


def _wants_multipart(items: list[Accepted], *, media_type: str) -> bool:
    """Tell whether the frames go out as multipart, which is what is meant where anything is accepted."""
    fitting = [item for item in items if item.fits(media_type)] or items
    return fitting[0].multipart or fitting[0].wildcard
