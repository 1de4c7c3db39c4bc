"""Administration of instances."""

from django.contrib import admin
from django.template.defaultfilters import filesizeformat

from diagnosis.admin.actions import exclude, quarantine_image, release, request_erasure, rerun
from diagnosis.admin.inlines import AnalysisInline
from diagnosis.admin.pictures import PictureMixin
from diagnosis.admin.search import StudySearchMixin
from diagnosis.models import Analysis, Instance, Upload
from mlcore.admin.base import TableAdmin
from mlcore.admin.columns import EMPTY, change_link, count_of, list_link


@admin.register(Instance)
class InstanceAdmin(StudySearchMixin, PictureMixin, TableAdmin):
    """Stored images: facts, with a preview."""

    list_display = [
        "icon",
        "__str__",
        "study_link",
        "view_position",
        "size",
        "analyses",
        "in_quarantine",
        "created_at",
    ]
    list_display_links = ["__str__"]
    list_filter = ["series__study__examination_type"]
    list_select_related = ["series__study__examination_type", "series__study__patient"]
    study_path = "series__study"
    ordering = ["-created_at", "id"]
    date_hierarchy = "created_at"
    sortable_by = ("created_at",)
    link_lookups = frozenset({"series__study__id__exact", "series__id__exact"})
    actions = [rerun, exclude, quarantine_image, release, request_erasure]
    inlines = [AnalysisInline]
    worked_out = {"analysis_count": count_of(Analysis.objects.all(), on="instance")}
    readonly_fields = ["preview", "study_link", "uploads"]
    fieldsets = [
        (None, {"fields": ["preview", "study_link", "series", "uploads", "quarantined_at", "created_at"]}),
        (
            "Image",
            {
                "fields": [
                    ("columns", "rows", "frame_count"),
                    ("format", "bits_stored", "photometric_interpretation"),
                    ("view_position", "burned_in_annotation"),
                    ("pixel_spacing_row", "pixel_spacing_column"),
                    ("window_center", "window_width"),
                ]
            },
        ),
        (
            "Storage",
            {
                "fields": [
                    "content_key",
                    "byte_count",
                    "sop_instance_uid",
                    "sop_class_uid",
                    "instance_number",
                    "transfer_syntax_uid",
                ]
            },
        ),
    ]

    @admin.display(description="Study")
    def study_link(self, row: Instance) -> str:
        """Return a link to the study, by the pseudonym of its patient."""
        return change_link(row.series.study, text=row.series.study.patient)

    @admin.display(description="Quarantine")
    def in_quarantine(self, row: Instance) -> str:
        """Say that readers do not see the image."""
        return "quarantined" if row.quarantined_at else EMPTY

    @admin.display
    def size(self, row: Instance) -> str:
        """Return the size of the stored file."""
        return filesizeformat(row.byte_count)

    @admin.display
    def analyses(self, row: Instance) -> str:
        """Return how many analyses there are, with a link to them."""
        return list_link(Analysis, text=getattr(row, "analysis_count", 0), instance__id__exact=row.pk)

    @admin.display
    def uploads(self, row: Instance) -> str:
        """Return a link to the uploads that brought the image in."""
        return list_link(Upload, text="uploads of this image", instance__id__exact=row.pk)
