"""Administration pages of studies, images, analyses, findings, conditions and reviews."""

from diagnosis.admin import (
    analysis,
    condition,
    erasure,
    export,
    image,
    patient,
    review,
    sharing,
    study,
    upload,
)

__all__ = [
    "analysis",
    "condition",
    "erasure",
    "export",
    "image",
    "patient",
    "review",
    "sharing",
    "study",
    "upload",
]
