"""Endpoints about datasets: frozen versions, their items, and what a data steward decides."""

from http import HTTPStatus

import django_filters
from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.base import ReadOnlyEndpointSet, caller
from accounts.models import Scope
from accounts.permissions import ScopePermission
from mlcore.api.dataset_serializers import (
    ComparisonSerializer,
    DatasetItemSerializer,
    DatasetVersionSerializer,
    DecisionSerializer,
    FreezeSerializer,
    ResolutionSerializer,
)
from mlcore.models import DatasetItem, DatasetLabel, DatasetVersion, ItemState
from mlcore.selectors.manifests import compare_versions
from mlcore.services.datasets import freeze_version, stewardship


class StewardsChange(BasePermission):
    """Everybody reads what they may see; administrators and data stewards change."""

    message = "Only an administrator or a data steward may do this."
    code = "not_allowed"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the caller may go on."""
        may_change = caller(request).has_perm(stewardship.STEWARD_PERMISSION)
        return request.method in SAFE_METHODS or may_change


class DatasetVersionFilter(django_filters.FilterSet):
    """Filters of dataset versions."""

    examination_type = django_filters.CharFilter(field_name="examination_type__code")

    class Meta:
        model = DatasetVersion
        fields: list[str] = []


class DatasetItemFilter(django_filters.FilterSet):
    """Filters of dataset items."""

    examination_type = django_filters.CharFilter(field_name="examination_type__code")
    state = django_filters.ChoiceFilter(choices=ItemState.choices)

    class Meta:
        model = DatasetItem
        fields: list[str] = []


class DatasetVersionViewSet(ReadOnlyEndpointSet):
    """Frozen dataset versions: how many images of what, and never which patients."""

    queryset = DatasetVersion.objects.select_related("examination_type")
    serializer_class = DatasetVersionSerializer
    filterset_class = DatasetVersionFilter
    permission_classes = [ScopePermission, StewardsChange]
    write_scope = Scope.TRAIN
    cursor_ordering = ("-created_at", "id")

    @extend_schema(
        request=FreezeSerializer, responses={200: DatasetVersionSerializer, 201: DatasetVersionSerializer}
    )
    def create(self, request: Request) -> Response:
        """Freeze what is accepted and labeled now; 200 with the version that is there, if nothing changed."""
        asked = FreezeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        known = set(asked.validated_data["examination_type"].dataset_versions.values_list("pk", flat=True))
        version = freeze_version(by=self.user, **asked.validated_data)
        return Response(
            self.get_serializer(version).data,
            status=HTTPStatus.OK if version.pk in known else HTTPStatus.CREATED,
            headers={"Location": self.reverse_action("detail", args=[version.pk])},
        )

    @extend_schema(
        parameters=[OpenApiParameter("other", str, OpenApiParameter.PATH, description="A later version.")],
        responses=ComparisonSerializer,
    )
    @action(
        detail=True, url_path="compare/(?P<other>[0-9a-f-]{36})", filterset_class=None, pagination_class=None
    )
    def compare(self, request: Request, pk: str, other: str) -> Response:
        """Say how another version differs from this one; only for those who see every image."""
        versions = self.get_queryset() if self.user.sees_everything else DatasetVersion.objects.none()
        found = compare_versions(get_object_or_404(versions, pk=pk), get_object_or_404(versions, pk=other))
        relabeled = {
            key: {"before": before, "after": after} for key, (before, after) in found.relabeled.items()
        }
        shown = {"added": found.added, "removed": found.removed, "relabeled": relabeled}
        return Response(ComparisonSerializer(shown).data)


class DatasetItemViewSet(ReadOnlyEndpointSet):
    """The images that models may learn from; for those who see every image."""

    queryset = DatasetItem.objects.none()
    serializer_class = DatasetItemSerializer
    filterset_class = DatasetItemFilter
    permission_classes = [ScopePermission, StewardsChange]
    write_scope = Scope.TRAIN
    cursor_ordering = ("-added_at", "id")

    def get_queryset(self) -> QuerySet[DatasetItem]:
        """Return the items the caller may see, with the labels that count."""
        visible: QuerySet[DatasetItem] = DatasetItem.objects.visible_to(self.user)
        labels = Prefetch("labels", DatasetLabel.objects.current())
        return visible.defer("thumbnail").select_related("examination_type").prefetch_related(labels)

    @extend_schema(request=ResolutionSerializer, responses=DatasetItemSerializer)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def resolve(self, request: Request, pk: str) -> Response:
        """Say which labels hold, where they disagree."""
        asked = ResolutionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        stewardship.resolve_conflict(self.get_object(), by=self.user, **asked.validated_data)
        return self._shown()

    @extend_schema(request=DecisionSerializer, responses=DatasetItemSerializer)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def accept(self, request: Request, pk: str) -> Response:
        """Let models learn from a near-duplicate, or from what was excluded."""
        stewardship.accept_item(self.get_object(), by=self.user, reason=self._reason(request))
        return self._shown()

    @extend_schema(request=DecisionSerializer, responses=DatasetItemSerializer)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def exclude(self, request: Request, pk: str) -> Response:
        """Keep models from learning from an image."""
        stewardship.exclude_item(self.get_object(), by=self.user, reason=self._reason(request))
        return self._shown()

    def _reason(self, request: Request) -> str:
        asked = DecisionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return str(asked.validated_data["reason"])

    def _shown(self) -> Response:
        return Response(self.get_serializer(self.get_object()).data)
