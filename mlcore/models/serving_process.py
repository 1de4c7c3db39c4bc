"""Which worker processes hold which models, as told by themselves."""

from datetime import timedelta
from typing import Any

from django.db import models

ALIVE_WITHIN = timedelta(seconds=20)
"""A process tells every few seconds that it lives; after this long it counts as dead."""


class ServingProcess(models.Model):
    """One worker process; a row whose `seen_at` is old is of a process that died."""

    name = models.CharField(max_length=120, primary_key=True, help_text="host:pid")
    models_loaded: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict, help_text="Examination type code to model version id."
    )
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "serving processes"

    def __str__(self) -> str:
        return self.name
