"""Maps on request: ask, poll, and look at."""

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ReadOnlyEndpointSet
from accounts.api.permissions import AuditorsOnlyRead
from accounts.models import Scope
from accounts.permissions import ScopePermission
from diagnosis.api.filters import ExplanationFilter
from diagnosis.api.renderers import PNGRenderer
from diagnosis.api.serializers.explanations import ExplanationRequestSerializer, ExplanationSerializer
from diagnosis.models import Analysis, Explanation, ExplanationState, Finding
from diagnosis.selectors.blinding import answer_is_hidden, answers_hidden_from
from diagnosis.selectors.explanations import shown_explanations
from diagnosis.selectors.images import explanation_png
from diagnosis.services.explanations import request_explanation, wait_for_explanation
from medimaging.common.headers import preferred_wait
from medimaging.common.openapi import PREFER_WAIT, TO_POLL

RETRY_AFTER_SECONDS = "1"


class ExplanationViewSet(ReadOnlyEndpointSet):
    """Further maps of where a finding's score is sensitive, drawn on request."""

    queryset = Explanation.objects.none()
    serializer_class = ExplanationSerializer
    filterset_class = ExplanationFilter
    permission_classes = [ScopePermission, AuditorsOnlyRead]
    write_scope = Scope.UPLOAD
    cursor_ordering = ("-requested_at", "id")

    def get_queryset(self) -> QuerySet[Explanation]:
        """Return the visible explanations."""
        return shown_explanations(self.user)

    @extend_schema(parameters=[PREFER_WAIT])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one map's state; with `Prefer: wait=N`, once it is drawn or the time is up."""
        return self._answer(self.get_object(), status=HTTPStatus.OK)

    @extend_schema(
        parameters=[PREFER_WAIT, *TO_POLL],
        request=ExplanationRequestSerializer,
        responses={200: ExplanationSerializer, 202: ExplanationSerializer},
    )
    def create(self, request: Request) -> Response:
        """Ask for a map; 200 with the one that is there, if it was drawn before."""
        asked = ExplanationRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        visible = Finding.objects.filter(analysis__in=Analysis.objects.visible_to(self.user))
        related = ("analysis__instance__series__study", "analysis__model_version")
        finding = get_object_or_404(visible.select_related(*related), pk=asked.validated_data["finding"])
        self._refuse_blind(finding)
        explanation = request_explanation(finding, method=asked.validated_data["method"], by=self.user)
        return self._answer(explanation, status=HTTPStatus.ACCEPTED)

    @extend_schema(responses={(200, "image/png"): OpenApiTypes.BINARY})
    @action(detail=True, renderer_classes=[PNGRenderer], filterset_class=None, pagination_class=None)
    def overlay(self, request: Request, pk: str) -> Response:
        """Return a transparent PNG that shows where the score is sensitive; not an outline of disease."""
        explanation = self.get_object()
        self._refuse_blind(explanation.finding)
        if explanation.state != ExplanationState.SUCCEEDED:
            raise Http404
        return Response(explanation_png(explanation))

    def _refuse_blind(self, finding: Finding) -> None:
        if answers_hidden_from(self.user, finding.analysis.instance.series.study):
            raise answer_is_hidden()

    def _answer(self, explanation: Explanation, *, status: int) -> Response:
        """Say how far the map has come, once the wait that the caller prefers is over."""
        headers = {}
        seconds = preferred_wait(self.request)
        if seconds:
            explanation = wait_for_explanation(explanation, seconds=seconds)
            headers["Preference-Applied"] = f"wait={seconds}"
        if explanation.is_final:
            status = HTTPStatus.OK
        else:
            headers["Location"] = self.reverse_action("detail", args=[explanation.pk])
            headers["Retry-After"] = RETRY_AFTER_SECONDS
        shown = self.get_queryset().get(pk=explanation.pk)
        return Response(self.get_serializer(shown).data, status=status, headers=headers)
