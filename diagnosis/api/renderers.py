"""Pictures as answers."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer


class PNGRenderer(BaseRenderer):
    """A PNG, passed on as it is."""

    media_type = "image/png"
    format = "png"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the bytes."""
        return data


class AnyRenderer(BaseRenderer):
    """A file, passed on as it is, whatever the caller accepts."""

    media_type = "*/*"
    format = "file"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the bytes."""
        return data


class DicomRenderer(AnyRenderer):
    """A DICOM file."""

    media_type = "application/dicom"
    format = "dicom"


class FHIRRenderer(JSONRenderer):
    """A FHIR resource."""

    media_type = "application/fhir+json"
    format = "fhir"
