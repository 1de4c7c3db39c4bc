"""Administration of studies."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join

from accounts.admin_tables import AuditedExportMixin
from diagnosis.admin.actions import share, unshare
from diagnosis.admin.inlines import ReviewInline, SeriesInline
from diagnosis.admin.pictures import ICON_SIDE, picture
from diagnosis.admin.resources import StudyResource
from diagnosis.admin.search import StudySearchMixin
from diagnosis.models import Analysis, Instance, Review, Sex, Study
from diagnosis.services.studies import EDITABLE, edit_information
from mlcore.admin.base import RefusalMixin, TableMixin
from mlcore.admin.columns import change_link, count_of, list_link

PICTURES_SHOWN = 24
LATEST_ANALYSIS = Analysis.objects.filter(instance__series__study=models.OuterRef("pk")).order_by(
    "-requested_at"
)


class InformationForm(forms.ModelForm[Study]):
    """What may be edited of a study, and why it is."""

    patient_sex = forms.ChoiceField(choices=[("", "Not known"), *Sex.choices], required=False)
    reason = forms.CharField(
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        help_text="Kept in the audit trail with your name.",
    )
    expected_revision = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = Study
        fields = ["description", "patient_age_years"]
        labels = {"patient_age_years": "Patient age, in years"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.update(patient_sex=self.instance.patient.sex, expected_revision=self.instance.revision)


@admin.register(Study)
class StudyAdmin(AuditedExportMixin, StudySearchMixin, RefusalMixin, TableMixin):
    """Studies: their information is edited through the service, everything else is a fact."""

    form = InformationForm
    resource_classes = [StudyResource]
    list_display = [
        "__str__",
        "owner",
        "images",
        "latest_state",
        "signed_reviews",
        "shared_with",
        "created_at",
    ]
    list_display_links = ["__str__"]
    list_filter = ["examination_type"]
    list_select_related = ["examination_type", "patient", "owner"]
    date_hierarchy = "created_at"
    sortable_by = ("created_at",)
    link_lookups = frozenset({"patient__id__exact", "owner__id__exact", "readers__id__exact"})
    actions = [share, unshare]
    inlines = [SeriesInline, ReviewInline]
    worked_out = {
        "image_count": count_of(Instance.objects.all(), on="series__study"),
        "analysis_state": models.Subquery(LATEST_ANALYSIS.values("state")[:1]),
        "review_count": count_of(Review.objects.signed(), on="study"),
        "reader_count": count_of(Study.readers.through.objects.all(), on="study"),
    }
    facts = [
        "examination_type",
        "pictures",
        "patient",
        "owner",
        "shared_names",
        "study_instance_uid",
        "revision",
        "created_at",
    ]
    readonly_fields = [*facts, "sex_of_patient"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: studies come from uploads."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse: history is kept."""
        return False

    def view_on_site(self, obj: Study) -> str:
        """Return the address at which readers see the study."""
        return reverse("diagnosis:study", args=[obj.pk])

    def get_fieldsets(self, request: HttpRequest, obj: Study | None = None) -> Any:
        """Return the facts and, to whoever may edit, the form."""
        if not self.has_change_permission(request, obj):
            return [(None, {"fields": [*self.facts, "description", "patient_age_years", "sex_of_patient"]})]
        return [
            (None, {"fields": self.facts}),
            ("Information", {"fields": [*EDITABLE, "reason", "expected_revision"]}),
        ]

    def save_model(self, request: HttpRequest, obj: Study, form: forms.ModelForm[Any], change: bool) -> None:
        """Hand the changes to the service, with the row as it is stored."""
        edit_information(
            Study.objects.get(pk=obj.pk),
            by=request.user,  # type: ignore[arg-type]
            changes={name: form.cleaned_data[name] for name in EDITABLE},
            reason=form.cleaned_data["reason"],
            expected_revision=form.cleaned_data["expected_revision"],
        )

    @admin.display
    def images(self, row: Study) -> str:
        """Return how many images there are, with a link to them."""
        return list_link(Instance, text=getattr(row, "image_count", 0), series__study__id__exact=row.pk)

    @admin.display(description="Images")
    def pictures(self, row: Study) -> str:
        """Return small pictures of the first images, each with a link to it."""
        first = Instance.objects.filter(series__study=row)[:PICTURES_SHOWN]
        return format_html_join(
            " ",
            "{}",
            ((change_link(instance, text=picture(instance, max_side=ICON_SIDE)),) for instance in first),
        )

    @admin.display(description="Latest analysis")
    def latest_state(self, row: Study) -> str:
        """Return the state of the latest analysis, with a link to all of them."""
        state = getattr(row, "analysis_state", None)
        return list_link(Analysis, text=state or "none", instance__series__study__id__exact=row.pk)

    @admin.display(description="Signed reviews")
    def signed_reviews(self, row: Study) -> str:
        """Return how many reviews are signed, with a link to them."""
        return list_link(Review, text=getattr(row, "review_count", 0), study__id__exact=row.pk)

    @admin.display(description="Shared with")
    def shared_with(self, row: Study) -> int:
        """Return with how many readers the study is shared."""
        return int(getattr(row, "reader_count", 0))

    @admin.display(description="Shared with")
    def shared_names(self, row: Study) -> str:
        """Return the readers the study is shared with."""
        return ", ".join(str(reader) for reader in row.readers.all()) or "nobody"

    @admin.display(description="Patient sex")
    def sex_of_patient(self, row: Study) -> str:
        """Return the patient's sex as it is stored."""
        return row.patient.get_sex_display() or "Not known"
