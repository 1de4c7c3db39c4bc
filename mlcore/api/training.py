"""Endpoints about training runs: ask, watch, cancel, ask again."""

from http import HTTPStatus
from typing import Any

import django_filters
from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.base import ReadOnlyEndpointSet, caller
from accounts.models import Role, Scope
from accounts.permissions import ScopePermission
from mlcore.models import ExaminationType, GateReport, TrainingKind, TrainingRun, TrainingState
from mlcore.services import training

POLL_SECONDS = "5"


class TrainersOnly(BasePermission):
    """Administrators and data stewards; auditors look."""

    message = "Only administrators and data stewards may see and change trainings."
    code = "not_allowed"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the caller may go on."""
        user = caller(request)
        looks = request.method in SAFE_METHODS and user.role == Role.AUDITOR
        return looks or training.may_train(user)


class CriterionSerializer(serializers.Serializer[Any]):
    """One question that the gate asked of a candidate."""

    name = serializers.CharField()
    passed = serializers.BooleanField()
    measured = serializers.FloatField(allow_null=True)
    limit = serializers.FloatField(allow_null=True)
    reason = serializers.CharField()


class GateReportSerializer(serializers.ModelSerializer[GateReport]):
    """What the gate found of a candidate."""

    criteria = CriterionSerializer(many=True)
    figures = serializers.SerializerMethodField()

    class Meta:
        model = GateReport
        fields = [
            "id",
            "candidate",
            "incumbent",
            "dataset_version",
            "passed",
            "criteria",
            "figures",
            "created_at",
        ]

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_figures(self, report: GateReport) -> dict[str, Any]:
        """Return before and after by condition, and the images whose new labels are contradicted."""
        return report.figures


class ProgressSerializer(serializers.Serializer[Any]):
    """Where a training stands; epoch 0 is its preparation."""

    epoch = serializers.IntegerField()
    epochs = serializers.IntegerField()
    step = serializers.IntegerField()
    steps = serializers.IntegerField()
    loss = serializers.FloatField(allow_null=True)
    auroc = serializers.FloatField(allow_null=True)
    seconds_left = serializers.FloatField(allow_null=True)


class TrainingRunSerializer(serializers.ModelSerializer[TrainingRun]):
    """A training run."""

    examination_type = serializers.SlugRelatedField[ExaminationType](slug_field="code", read_only=True)
    progress = serializers.SerializerMethodField()
    gate_report = serializers.SerializerMethodField()

    class Meta:
        model = TrainingRun
        fields = [
            "id",
            "examination_type",
            "dataset_version",
            "kind",
            "architecture",
            "epochs",
            "seed",
            "trigger",
            "state",
            "progress",
            "attempts",
            "candidate",
            "gate_report",
            "failure_code",
            "failure_message",
            "requested_at",
            "started_at",
            "cancel_requested_at",
            "finished_at",
        ]

    @extend_schema_field(ProgressSerializer(allow_null=True))
    def get_progress(self, run: TrainingRun) -> dict[str, Any] | None:
        """Return where the training stands, or null before it began."""
        return run.progress or None

    @extend_schema_field(GateReportSerializer(allow_null=True))
    def get_gate_report(self, run: TrainingRun) -> Any:
        """Return what the gate said last of the candidate."""
        reports = list(run.candidate.gate_reports.all()) if run.candidate else []
        return GateReportSerializer(reports[0]).data if reports else None


class NewTrainingRunSerializer(serializers.Serializer[Any]):
    """What is to be trained."""

    examination_type = serializers.SlugRelatedField[ExaminationType](
        slug_field="code", queryset=ExaminationType.objects.all()
    )
    kind = serializers.ChoiceField(choices=TrainingKind.choices, default=TrainingKind.QUICK)
    architecture = serializers.CharField(
        max_length=64, default="", allow_blank=True, help_text="Of a full training; the active model's."
    )
    epochs = serializers.IntegerField(min_value=0, max_value=1000, default=10)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=7)


class TrainingReasonSerializer(serializers.Serializer[Any]):
    """Why it is done."""

    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class TrainingRunFilter(django_filters.FilterSet):
    """Filters of training runs."""

    examination_type = django_filters.CharFilter(field_name="examination_type__code")
    state = django_filters.ChoiceFilter(choices=TrainingState.choices)

    class Meta:
        model = TrainingRun
        fields: list[str] = []


class TrainingRunViewSet(ReadOnlyEndpointSet):
    """Trainings, those that run and those that ended."""

    queryset = TrainingRun.objects.none()
    serializer_class = TrainingRunSerializer
    filterset_class = TrainingRunFilter
    permission_classes = [ScopePermission, TrainersOnly]
    write_scope = Scope.TRAIN
    cursor_ordering = ("-requested_at", "id")

    def get_queryset(self) -> QuerySet[TrainingRun]:
        """Return the runs with what their candidates were found to be."""
        reports = Prefetch("candidate__gate_reports", GateReport.objects.order_by("-created_at"))
        return TrainingRun.objects.select_related("examination_type", "candidate").prefetch_related(reports)

    @extend_schema(request=NewTrainingRunSerializer, responses={202: TrainingRunSerializer})
    def create(self, request: Request) -> Response:
        """Freeze a dataset version and queue a training on it; one at a time for an examination type."""
        asked = NewTrainingRunSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self._accepted(training.request_training(by=self.user, **asked.validated_data))

    @extend_schema(request=TrainingReasonSerializer, responses={202: TrainingRunSerializer})
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a run: at once while it waits, within seconds while it runs."""
        return self._accepted(training.cancel_training(self.get_object(), **self._asked(request)))

    @extend_schema(request=TrainingReasonSerializer, responses={202: TrainingRunSerializer})
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def retry(self, request: Request, pk: str) -> Response:
        """Queue a failed run again; it goes on from its checkpoint."""
        return self._accepted(training.retry_training(self.get_object(), **self._asked(request)))

    def _asked(self, request: Request) -> dict[str, Any]:
        asked = TrainingReasonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return {"by": self.user, **asked.validated_data}

    def _accepted(self, run: TrainingRun) -> Response:
        headers = {"Location": self.reverse_action("detail", args=[run.pk]), "Retry-After": POLL_SECONDS}
        return Response(self.get_serializer(run).data, status=HTTPStatus.ACCEPTED, headers=headers)
