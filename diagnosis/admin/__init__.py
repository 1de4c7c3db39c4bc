"""Administration pages of studies, images, analyses, findings, conditions and reviews."""

from diagnosis.admin import analysis, condition, image, patient, review, study, upload

__all__ = ["analysis", "condition", "image", "patient", "review", "study", "upload"]
