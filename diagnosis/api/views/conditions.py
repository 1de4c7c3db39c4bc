"""Conditions: list and propose."""

from http import HTTPStatus

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ReadOnlyEndpointSet
from accounts.api.permissions import AuditorsOnlyRead
from accounts.models import Scope
from accounts.permissions import ScopePermission
from diagnosis.api.filters import ConditionFilter
from diagnosis.api.serializers.conditions import ConditionSerializer, ProposalSerializer
from diagnosis.models import Condition, ConditionState
from diagnosis.services.conditions import propose_condition


class ConditionViewSet(ReadOnlyEndpointSet):
    """What can be found in an image of a type of examination."""

    queryset = Condition.objects.none()
    serializer_class = ConditionSerializer
    filterset_class = ConditionFilter
    permission_classes = [ScopePermission, AuditorsOnlyRead]
    write_scope = Scope.REVIEW
    cursor_ordering = ("-created_at", "id")

    def get_queryset(self) -> QuerySet[Condition]:
        """Return the visible conditions."""
        visible: QuerySet[Condition] = Condition.objects.visible_to(self.user)
        return visible.select_related("examination_type", "merged_into")

    @extend_schema(request=ProposalSerializer, responses={200: ConditionSerializer, 201: ConditionSerializer})
    def create(self, request: Request) -> Response:
        """Propose a condition; 200 with the one that is there, if it is known already."""
        asked = ProposalSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        condition = propose_condition(by=self.user, **asked.validated_data)
        proposed = condition.state == ConditionState.PROPOSED
        return Response(
            self.get_serializer(condition).data,
            status=HTTPStatus.CREATED if proposed else HTTPStatus.OK,
            headers={"Location": self.reverse_action("detail", args=[condition.pk])},
        )
