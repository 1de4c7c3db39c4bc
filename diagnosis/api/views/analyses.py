"""Analyses: poll, wait, and retry; findings and where the score is sensitive."""

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import EndpointSet, ReadOnlyEndpointSet
from accounts.api.permissions import AuditorsOnlyRead
from accounts.models import Scope
from accounts.permissions import ScopePermission
from diagnosis.api.filters import AnalysisFilter
from diagnosis.api.renderers import PNGRenderer
from diagnosis.api.serializers.analyses import AnalysisSerializer, RetrySerializer
from diagnosis.api.uploads import answer_analysis
from diagnosis.models import Analysis, Finding
from diagnosis.selectors.analyses import shown_analyses
from diagnosis.selectors.blinding import answers_hidden_from
from diagnosis.selectors.images import overlay_png
from diagnosis.services.analysis import retry_analysis
from medimaging.common.errors import NotAllowed
from medimaging.common.openapi import PREFER_WAIT, TO_POLL


class AnalysisViewSet(ReadOnlyEndpointSet):
    """What models say of the instances that the caller may see."""

    queryset = Analysis.objects.none()
    serializer_class = AnalysisSerializer
    filterset_class = AnalysisFilter
    permission_classes = [ScopePermission, AuditorsOnlyRead]
    write_scope = Scope.UPLOAD
    cursor_ordering = ("-requested_at", "id")

    def get_queryset(self) -> QuerySet[Analysis]:
        """Return the visible analyses."""
        return shown_analyses(self.user)

    @extend_schema(parameters=[PREFER_WAIT])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one analysis; with `Prefer: wait=N`, once it is final or the time is up."""
        return answer_analysis(self.get_object(), request=request)

    @extend_schema(
        parameters=[PREFER_WAIT, *TO_POLL], request=RetrySerializer, responses={202: AnalysisSerializer}
    )
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def retry(self, request: Request, pk: str) -> Response:
        """Queue a failed analysis again."""
        asked = RetrySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        analysis = retry_analysis(self.get_object(), by=self.user, **asked.validated_data)
        return answer_analysis(analysis, request=request, status=HTTPStatus.ACCEPTED)


class FindingViewSet(EndpointSet):
    """The model's answer for one condition."""

    queryset = Finding.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Finding]:
        """Return the findings of the visible analyses."""
        visible = Analysis.objects.visible_to(self.user)
        return Finding.objects.filter(analysis__in=visible).select_related(
            "analysis__instance__series__study"
        )

    @extend_schema(responses={(200, "image/png"): OpenApiTypes.BINARY})
    @action(detail=True, renderer_classes=[PNGRenderer])
    def overlay(self, request: Request, pk: str) -> Response:
        """Return a transparent PNG that shows where the score is sensitive; not an outline of disease."""
        finding = self.get_object()
        if answers_hidden_from(self.user, finding.analysis.instance.series.study):
            raise NotAllowed(
                "The model's answer is hidden until you have signed a first read.", code="read_first"
            )
        if not finding.saliency_key:
            raise Http404
        return Response(overlay_png(finding))
