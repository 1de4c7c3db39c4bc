"""What was erased, so that every machine removes what it worked out for it."""

from django.db import models
from django.utils import timezone


class ForgottenImage(models.Model):
    """One erased image, by what files and indexes of other machines know it as."""

    source_id = models.CharField(max_length=64, help_text="As embeddings name it.")
    content_key = models.CharField(max_length=200, help_text="As the files of trainings are named after.")
    forgotten_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["-forgotten_at"], name="forgotten_by_time")]

    def __str__(self) -> str:
        return self.source_id
