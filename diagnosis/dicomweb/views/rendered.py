"""WADO-RS: instances and frames as pictures that any browser shows (PS3.18 10.4.1.1.3)."""

from collections.abc import Iterator
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from diagnosis.dicomweb.answers import OutgoingPart, multipart_answer, single_answer
from diagnosis.dicomweb.media import JPEG, PNG, choose
from diagnosis.dicomweb.rendering import Rendering, parse_rendering
from diagnosis.dicomweb.views.base import DicomwebView
from diagnosis.dicomweb.views.retrieve import frame_indexes
from diagnosis.models import Instance
from diagnosis.selectors.images import THUMBNAIL_SIDE, rendered

THUMBNAIL = Rendering(max_side=THUMBNAIL_SIDE)


class RenderedView(DicomwebView):
    """Pictures of a study, a series, an instance or frames."""

    thumbnail = False

    def get(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Return a picture of each instance, or of each frame that the address counts."""
        media_type = choose(request, JPEG, PNG)
        how = THUMBNAIL if self.thumbnail else parse_rendering(request.query_params)
        instances = self.visible_instances(**kwargs)
        if self.thumbnail:
            instances = instances[:1]
        frames: list[int | None] = [None]
        if "frames" in kwargs:
            frames = list(frame_indexes(kwargs["frames"], instance=instances[0]))
        parts = self._parts(instances, frames, how=how, media_type=media_type)
        if len(instances) == 1 and len(frames) == 1:
            return single_answer(next(parts))
        return multipart_answer(parts, media_type=media_type)

    def _parts(
        self, instances: list[Instance], frames: list[int | None], *, how: Rendering, media_type: str
    ) -> Iterator[OutgoingPart]:
        addresses = self.addresses
        for instance in instances:
            for frame in frames:
                content = rendered(
                    instance,
                    frame=frame,
                    max_side=how.max_side,
                    window=how.window,
                    jpeg_quality=how.quality if media_type == JPEG else None,
                )
                yield OutgoingPart(content, media_type, addresses.instance(instance))


class ThumbnailView(RenderedView):
    """A small picture of what the address names."""

    thumbnail = True
