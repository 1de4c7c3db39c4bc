"""Administration of what machines write down: embeddings and serving processes."""

from django.contrib import admin
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.html import format_html_join

from mlcore.admin.base import TableAdmin
from mlcore.models import Embedding, ForgottenImage, ServingProcess
from mlcore.models.serving_process import ALIVE_WITHIN

BYTES_A_NUMBER = 4


@admin.register(Embedding)
class EmbeddingAdmin(TableAdmin):
    """Where images lie in a model's feature space; the vector itself is not shown."""

    list_display = ["id", "embedding_version", "source_id", "group", "numbers", "created_at"]
    search_fields = ["=source_id"]
    search_help_text = "The id of an instance."
    ordering = ["-id"]
    sortable_by = ("id",)
    fields = ["embedding_version", "source_id", "group", "numbers", "created_at"]
    left_out = ("vector",)
    worked_out = {"byte_count": Length("vector")}
    readonly_fields = ["numbers"]
    link_lookups = frozenset({"embedding_version__exact", "source_id__exact"})

    @admin.display(description="Numbers")
    def numbers(self, row: Embedding) -> int:
        """Return the size of the vector."""
        return int(getattr(row, "byte_count", 0)) // BYTES_A_NUMBER


@admin.register(ForgottenImage)
class ForgottenImageAdmin(TableAdmin):
    """Erased images, by what machines knew them as; only ids are left of them."""

    list_display = ["forgotten_at", "source_id"]
    search_fields = ["=source_id"]
    search_help_text = "The id an instance had."
    ordering = ["-forgotten_at"]
    sortable_by = ("forgotten_at",)


@admin.register(ServingProcess)
class ServingProcessAdmin(TableAdmin):
    """The worker processes, as told by themselves."""

    list_display = ["name", "alive", "loaded", "started_at", "seen_at"]
    readonly_fields = ["alive", "loaded"]
    fields = ["name", "alive", "loaded", "started_at", "seen_at"]

    @admin.display(boolean=True)
    def alive(self, row: ServingProcess) -> bool:
        """Tell whether the process said a moment ago that it lives."""
        return row.seen_at >= timezone.now() - ALIVE_WITHIN

    @admin.display(description="Models loaded")
    def loaded(self, row: ServingProcess) -> str:
        """Return the model version of each examination type."""
        return format_html_join(", ", "{}: {}", row.models_loaded.items()) or "none"
