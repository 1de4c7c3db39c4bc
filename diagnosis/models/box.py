"""Where in an image a reader saw what a verdict says."""

from typing import ClassVar

from django.db import models

from diagnosis.models.review import ReviewFinding
from diagnosis.models.study import Instance


class FindingBox(models.Model):
    """A rectangle in whole pixels of one frame as it is stored, the top left pixel at 0, 0."""

    finding = models.ForeignKey(ReviewFinding, on_delete=models.CASCADE, related_name="boxes")
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="+")
    frame_index = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField()
    top = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name_plural = "finding boxes"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(width__gt=0, height__gt=0), name="finding_box_has_an_area"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.width}x{self.height} at {self.left}, {self.top}"
