"""Findings: list, look, and where the score is sensitive."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ReadOnlyEndpointSet
from diagnosis.api.filters import FindingFilter
from diagnosis.api.renderers import PNGRenderer
from diagnosis.api.serializers.analyses import FindingRowSerializer
from diagnosis.models import Finding
from diagnosis.selectors.analyses import shown_findings
from diagnosis.selectors.blinding import answer_is_hidden
from diagnosis.selectors.images import overlay_png


class FindingViewSet(ReadOnlyEndpointSet):
    """What models answered for one condition each; a blind reader's come once a first read is signed."""

    queryset = Finding.objects.none()
    serializer_class = FindingRowSerializer
    filterset_class = FindingFilter
    lookup_value_regex = "[0-9]{1,18}"
    cursor_ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Finding]:
        """Return the findings of the visible analyses; in a list, those whose answers are not hidden."""
        findings = shown_findings(self.user)
        return findings.filter(Q(answers_hidden=False)) if self.action == "list" else findings

    def get_object(self) -> Finding:
        """Return one finding, unless the caller reads blind and has not signed."""
        finding: Finding = super().get_object()
        if finding.answers_hidden:  # type: ignore[attr-defined]
            raise answer_is_hidden()
        return finding

    @extend_schema(responses={(200, "image/png"): OpenApiTypes.BINARY})
    @action(detail=True, renderer_classes=[PNGRenderer], filterset_class=None, pagination_class=None)
    def overlay(self, request: Request, **kwargs: Any) -> Response:
        """Return a transparent PNG that shows where the score is sensitive; not an outline of disease."""
        finding = self.get_object()
        if not finding.saliency_key:
            raise Http404
        return Response(overlay_png(finding))
