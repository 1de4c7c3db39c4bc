"""What the lists of the REST interface can be filtered by."""

from typing import Any, cast

import django_filters
from django.db.models import QuerySet
from rest_framework.request import Request

from accounts.api.base import caller
from diagnosis.models import (
    Analysis,
    AnalysisState,
    Condition,
    ConditionState,
    Explanation,
    ExplanationMethod,
    ExplanationState,
    Finding,
    Instance,
    Review,
    ReviewState,
    Study,
    Upload,
    UploadSource,
    UploadState,
)
from diagnosis.selectors.worklist import TABS, filter_tab
from mlcore.engine.types import ImageFormat


class StudyFilter(django_filters.FilterSet):
    """Filters of studies."""

    tab = django_filters.ChoiceFilter(
        choices=[(tab, tab) for tab in TABS],
        method="filter_tab",
        help_text="As on the worklist's page; the newest come first on every tab, unless `order` is given.",
    )
    order = django_filters.ChoiceFilter(
        choices=[("informative", "informative")],
        method="filter_tab",
        help_text="Only what is unread and was looked at by a model, and first what the next training "
        "would gain most from.",
    )
    examination_type = django_filters.CharFilter(field_name="examination_type__code")
    state = django_filters.ChoiceFilter(
        field_name="latest_analysis__state",
        choices=AnalysisState.choices,
        help_text="Of the latest analysis.",
    )
    patient = django_filters.CharFilter(field_name="patient__pseudonym")
    study_instance_uid = django_filters.CharFilter()
    description = django_filters.CharFilter(lookup_expr="icontains")
    created_from = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Study
        fields: list[str] = []

    def filter_tab(self, studies: QuerySet[Study], name: str, value: str) -> QuerySet[Any]:
        """Return one tab of the worklist; an order holds what its own tab holds, and the page orders it."""
        return filter_tab(studies, value, caller(cast(Request, self.request)))


class InstanceFilter(django_filters.FilterSet):
    """Filters of instances."""

    study = django_filters.UUIDFilter(field_name="series__study")
    series = django_filters.UUIDFilter(field_name="series")
    sop_instance_uid = django_filters.CharFilter()
    format = django_filters.ChoiceFilter(choices=[(f.value, f.value) for f in ImageFormat])

    class Meta:
        model = Instance
        fields: list[str] = []


class AnalysisFilter(django_filters.FilterSet):
    """Filters of analyses."""

    instance = django_filters.UUIDFilter(field_name="instance")
    study = django_filters.UUIDFilter(field_name="instance__series__study")
    model_version = django_filters.UUIDFilter(field_name="model_version")
    state = django_filters.ChoiceFilter(choices=AnalysisState.choices)

    class Meta:
        model = Analysis
        fields: list[str] = []


class FindingFilter(django_filters.FilterSet):
    """Filters of findings."""

    analysis = django_filters.UUIDFilter(field_name="analysis")
    instance = django_filters.UUIDFilter(field_name="analysis__instance")
    study = django_filters.UUIDFilter(field_name="analysis__instance__series__study")
    model_version = django_filters.UUIDFilter(field_name="analysis__model_version")
    condition = django_filters.CharFilter(field_name="condition__code")
    probability_from = django_filters.NumberFilter(field_name="probability", lookup_expr="gte")

    class Meta:
        model = Finding
        fields: list[str] = []


class ReviewFilter(django_filters.FilterSet):
    """Filters of reviews."""

    study = django_filters.UUIDFilter(field_name="study")
    reader = django_filters.UUIDFilter(field_name="reader")
    state = django_filters.ChoiceFilter(choices=ReviewState.choices)

    class Meta:
        model = Review
        fields: list[str] = []


class ExplanationFilter(django_filters.FilterSet):
    """Filters of explanations."""

    finding = django_filters.NumberFilter()
    analysis = django_filters.UUIDFilter(field_name="finding__analysis")
    method = django_filters.ChoiceFilter(choices=ExplanationMethod.choices)
    state = django_filters.ChoiceFilter(choices=ExplanationState.choices)

    class Meta:
        model = Explanation
        fields: list[str] = []


class ConditionFilter(django_filters.FilterSet):
    """Filters of conditions."""

    examination_type = django_filters.CharFilter(field_name="examination_type__code")
    code = django_filters.CharFilter()
    state = django_filters.ChoiceFilter(choices=ConditionState.choices)

    class Meta:
        model = Condition
        fields: list[str] = []


class UploadFilter(django_filters.FilterSet):
    """Filters of uploads."""

    state = django_filters.ChoiceFilter(choices=UploadState.choices)
    source = django_filters.ChoiceFilter(choices=UploadSource.choices)
    instance = django_filters.UUIDFilter(field_name="instance")

    class Meta:
        model = Upload
        fields: list[str] = []
