"""Administration pages of studies, images, analyses, findings, conditions and reviews."""

from diagnosis.admin import analysis, condition, erasure, image, patient, review, sharing, study, upload

__all__ = ["analysis", "condition", "erasure", "image", "patient", "review", "sharing", "study", "upload"]
