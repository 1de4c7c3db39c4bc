"""Conditions: list, propose, and decide about what was proposed."""

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.base import ReadOnlyEndpointSet, caller
from accounts.api.permissions import AuditorsOnlyRead
from accounts.models import Scope
from accounts.permissions import ScopePermission
from diagnosis.api.filters import ConditionFilter
from diagnosis.api.serializers.conditions import (
    ConditionDecisionSerializer,
    ConditionMergerSerializer,
    ConditionSerializer,
    ProposalSerializer,
)
from diagnosis.models import Condition, ConditionState
from diagnosis.services import conditions

DECIDES = "diagnosis.change_condition"


class DecidersOnly(BasePermission):
    """Administrators and data stewards."""

    message = "Only an administrator or a data steward decides about conditions."
    code = "not_allowed"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the caller may go on."""
        return caller(request).has_perm(DECIDES)


DECISION: dict[str, Any] = {
    "detail": True,
    "methods": ["post"],
    "permission_classes": [ScopePermission, DecidersOnly],
    "write_scope": Scope.TRAIN,
    "filterset_class": None,
    "pagination_class": None,
}
"""What the three decisions have in common; they change labels, so a token needs the scope of training."""


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
        condition = conditions.propose_condition(by=self.user, **asked.validated_data)
        proposed = condition.state == ConditionState.PROPOSED
        return Response(
            self.get_serializer(condition).data,
            status=HTTPStatus.CREATED if proposed else HTTPStatus.OK,
            headers={"Location": self.reverse_action("detail", args=[condition.pk])},
        )

    @extend_schema(request=ConditionDecisionSerializer, responses=ConditionSerializer)
    @action(**DECISION)
    def approve(self, request: Request, pk: str) -> Response:
        """Let everybody use the condition; also brings a retired one back."""
        condition = self.get_object()
        return self._decided(conditions.approve_condition(condition, by=self.user, **self._asked(request)))

    @extend_schema(request=ConditionDecisionSerializer, responses=ConditionSerializer)
    @action(**DECISION)
    def retire(self, request: Request, pk: str) -> Response:
        """Take the condition out of use; its labels count no longer."""
        condition = self.get_object()
        return self._decided(conditions.retire_condition(condition, by=self.user, **self._asked(request)))

    @extend_schema(request=ConditionMergerSerializer, responses=ConditionSerializer)
    @action(**DECISION)
    def merge(self, request: Request, pk: str) -> Response:
        """Make the condition another name of an approved one of the same type of examination."""
        condition = self.get_object()
        asked = ConditionMergerSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self._decided(conditions.merge_condition(condition, by=self.user, **asked.validated_data))

    def _asked(self, request: Request) -> dict[str, Any]:
        asked = ConditionDecisionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)

    def _decided(self, condition: Condition) -> Response:
        return Response(self.get_serializer(condition).data)
