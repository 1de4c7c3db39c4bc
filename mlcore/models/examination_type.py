"""What kind of examination an image is of; a model is validated for exactly one."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

CODE_PATTERN = RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*\Z", "Use small letters, digits and single hyphens.")


class ExaminationType(models.Model):
    """A type of examination, such as paediatric chest radiographs or brain MRI."""

    code = models.CharField(max_length=64, unique=True, validators=[CODE_PATTERN])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    modality = models.CharField(max_length=16, blank=True, help_text="As in DICOM (0008,0060), e.g. DX, MR.")
    body_part_examined = models.CharField(max_length=16, blank=True, help_text="As in DICOM (0018,0015).")
    promotes_automatically = models.BooleanField(
        default=False, help_text="Promote a candidate that passes the gate without asking an administrator."
    )
    trains_after = models.PositiveIntegerField(
        default=100, help_text="Train when this many images were newly signed; 0 never."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
