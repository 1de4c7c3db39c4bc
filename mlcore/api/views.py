"""Endpoints about examination types and model versions."""

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ReadOnlyEndpointSet
from accounts.api.permissions import AdministratorsChange
from accounts.models import Scope
from accounts.permissions import ScopePermission
from mlcore.api.serializers import ActivationSerializer, ExaminationTypeSerializer, ModelVersionSerializer
from mlcore.models import ExaminationType, ModelState, ModelVersion
from mlcore.services.registry import activate_version


class ExaminationTypeViewSet(ReadOnlyEndpointSet):
    """The types of examination that are known here."""

    queryset = ExaminationType.objects.all()
    serializer_class = ExaminationTypeSerializer
    lookup_field = "code"
    lookup_value_regex = "[a-z0-9-]+"
    cursor_ordering = ("code",)


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
        """Let this version answer from now on; also the way to roll back to a retired one."""
        asked = ActivationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        version = activate_version(self.get_object(), by=self.user, **asked.validated_data)
        return Response(self.get_serializer(version).data)
