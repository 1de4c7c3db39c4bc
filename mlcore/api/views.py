"""Endpoints about examination types and model versions."""

from http import HTTPStatus

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ReadOnlyEndpointSet
from accounts.api.permissions import AdministratorsChange
from accounts.models import Scope
from accounts.permissions import ScopePermission
from mlcore.api.serializers import (
    ActivationSerializer,
    ChangeReportSerializer,
    ExaminationTypeSerializer,
    ModelVersionSerializer,
)
from mlcore.api.training import TrainersOnly, TrainingReasonSerializer
from mlcore.models import ExaminationType, ModelState, ModelVersion
from mlcore.selectors.change_report import change_report
from mlcore.services import promotion, registry, training


class ExaminationTypeViewSet(ReadOnlyEndpointSet):
    """The types of examination that are known here."""

    queryset = ExaminationType.objects.all()
    serializer_class = ExaminationTypeSerializer
    permission_classes = [ScopePermission, AdministratorsChange]
    write_scope = Scope.TRAIN
    lookup_field = "code"
    lookup_value_regex = "[a-z0-9-]+"
    cursor_ordering = ("code",)

    @extend_schema(request=ActivationSerializer, responses=ModelVersionSerializer)
    @action(detail=True, methods=["post"], url_path="roll-back", pagination_class=None)
    def roll_back(self, request: Request, code: str) -> Response:
        """Let the model answer again that did before the one that answers now."""
        asked = ActivationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        version = promotion.roll_back(self.get_object(), by=self.user, **asked.validated_data)
        return Response(ModelVersionSerializer(version, context=self.get_serializer_context()).data)


class ModelVersionFilter(django_filters.FilterSet):
    """Filters of model versions."""

    examination_type = django_filters.CharFilter(field_name="examination_type__code")
    state = django_filters.ChoiceFilter(choices=ModelState.choices)

    class Meta:
        model = ModelVersion
        fields: list[str] = []


class ModelVersionViewSet(ReadOnlyEndpointSet):
    """The models that are registered here, and which of them answers."""

    queryset = ModelVersion.objects.select_related("examination_type")
    serializer_class = ModelVersionSerializer
    filterset_class = ModelVersionFilter
    permission_classes = [ScopePermission, AdministratorsChange]
    write_scope = Scope.TRAIN
    cursor_ordering = ("-registered_at", "id")

    @extend_schema(request=ActivationSerializer, responses=ModelVersionSerializer)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def activate(self, request: Request, pk: str) -> Response:
        """Let this version answer from now on; a candidate must have passed the gate."""
        asked = ActivationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        version = promotion.promote(self.get_object(), by=self.user, **asked.validated_data)
        return Response(self.get_serializer(version).data)

    @extend_schema(request=ActivationSerializer, responses=ModelVersionSerializer)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def reject(self, request: Request, pk: str) -> Response:
        """Rule a candidate out for good."""
        asked = ActivationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        version = registry.reject_version(self.get_object(), by=self.user, **asked.validated_data)
        return Response(self.get_serializer(version).data)

    @extend_schema(request=TrainingReasonSerializer, responses={202: ModelVersionSerializer})
    @action(
        detail=True,
        methods=["post"],
        permission_classes=[ScopePermission, TrainersOnly],
        filterset_class=None,
        pagination_class=None,
    )
    def measure(self, request: Request, pk: str) -> Response:
        """Have a candidate held against the model that answers; its change report says what came of it."""
        asked = TrainingReasonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        version = training.request_gate(self.get_object(), by=self.user, **asked.validated_data)
        return Response(self.get_serializer(version).data, status=HTTPStatus.ACCEPTED)

    @extend_schema(responses=ChangeReportSerializer)
    @action(detail=True, url_path="change-report", filterset_class=None, pagination_class=None)
    def change_report(self, request: Request, pk: str) -> Response:
        """Return what the version changed: data, before and after, the gate, and who approved it."""
        return Response(change_report(self.get_object()))
