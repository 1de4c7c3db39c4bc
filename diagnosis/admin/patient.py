"""Administration of patients and of series."""

from django.contrib import admin

from diagnosis.admin.inlines import InstanceInline
from diagnosis.admin.search import StudySearchMixin
from diagnosis.models import Instance, Patient, Series, Study
from mlcore.admin.base import TableAdmin
from mlcore.admin.columns import change_link, count_of, list_link


@admin.register(Patient)
class PatientAdmin(TableAdmin):
    """Patients, under their pseudonyms."""

    list_display = ["pseudonym", "sex", "studies", "created_at"]
    search_fields = ["=pseudonym"]
    search_help_text = "A whole pseudonym."
    sortable_by = ("pseudonym",)
    readonly_fields = ["studies"]
    worked_out = {"study_count": count_of(Study.objects.all(), on="patient")}

    @admin.display
    def studies(self, row: Patient) -> str:
        """Return how many studies there are, with a link to them."""
        return list_link(Study, text=getattr(row, "study_count", 0), patient__id__exact=row.pk)


@admin.register(Series)
class SeriesAdmin(StudySearchMixin, TableAdmin):
    """Series: images of a study that were taken together."""

    list_display = ["series_instance_uid", "study_link", "modality", "body_part_examined", "images"]
    list_select_related = ["study__examination_type", "study__patient"]
    study_path = "study"
    ordering = ["pk"]
    link_lookups = frozenset({"study__id__exact"})
    inlines = [InstanceInline]
    worked_out = {"image_count": count_of(Instance.objects.all(), on="series")}

    @admin.display(description="Study")
    def study_link(self, row: Series) -> str:
        """Return a link to the study."""
        return change_link(row.study)

    @admin.display
    def images(self, row: Series) -> str:
        """Return how many images there are, with a link to them."""
        return list_link(Instance, text=getattr(row, "image_count", 0), series__id__exact=row.pk)
