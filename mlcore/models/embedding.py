"""Where an image lies in a model's feature space; what the search of similar images reads."""

from django.db import models
from django.utils import timezone


class Embedding(models.Model):
    """One image's unit vector, under the version of the space it is measured in."""

    embedding_version = models.CharField(max_length=64)
    source_id = models.CharField(max_length=64, help_text="Opaque here; whoever stored it knows the image.")
    group = models.CharField(max_length=64, help_text="Images of one patient share it.")
    vector = models.BinaryField(help_text="float32, little endian.")
    layers = models.BinaryField(
        null=True, help_text="What the earlier layers see, float32, little endian; unknown of older rows."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["embedding_version", "source_id"], name="embedding_once"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} in {self.embedding_version}"
