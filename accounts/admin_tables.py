"""Lists of the administration pages that go out as files, and come in by them.

What goes out is noted in the audit trail, holds no cell that a spreadsheet would take for
a formula, and is bounded: larger exports are made by a worker over REST.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV, JSON
from import_export.forms import ExportForm

from accounts.services import audit
from medimaging.common.tables import guarded

MOST_ROWS = 50_000
"""Rows of one file: they are written while somebody waits."""

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class GuardedCSV(CSV):  # type: ignore[misc]
    """CSV that a spreadsheet shows and computes nothing of."""

    def export_data(self, dataset: Any, **kwargs: Any) -> Any:
        """Return the file."""
        for _ in range(len(dataset)):
            dataset.append([guarded(cell) for cell in dataset.lpop()])
        return super().export_data(dataset, **kwargs)


class AuditedExportMixin(ExportMixin, _ModelAdmin):  # type: ignore[misc]
    """A list that may be exported by whoever may see it."""

    formats = (GuardedCSV, JSON)
    export_form_class = ExportForm

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Allow whoever sees the list."""
        return bool(self.has_view_permission(request))

    def get_export_data(
        self, file_format: Any, request: HttpRequest, queryset: "models.QuerySet[Any]", **kwargs: Any
    ) -> Any:
        """Return the file, and note who took it in the same transaction."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        rows = queryset[:MOST_ROWS]
        with transaction.atomic():
            data = super().get_export_data(file_format, request, rows, **kwargs)
            audit.record(
                f"{self.opts.model_name}.export",
                by=request.user,  # type: ignore[arg-type]
                target=request.user,  # type: ignore[arg-type]
                details={
                    "format": file_format.get_title(),
                    "fields": list(self.resource_classes[0]._meta.fields or ()),
                    "filter": request.GET.urlencode()[:300],
                    "most_rows": MOST_ROWS,
                },
            )
        return data
