"""Analyses: ask for one, poll, wait, and retry."""

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ReadOnlyEndpointSet
from accounts.api.permissions import AuditorsOnlyRead
from accounts.models import Scope
from accounts.permissions import ScopePermission
from diagnosis.api.filters import AnalysisFilter
from diagnosis.api.serializers.analyses import AnalysisRequestSerializer, AnalysisSerializer, RetrySerializer
from diagnosis.api.uploads import answer_analysis
from diagnosis.models import Analysis, Instance
from diagnosis.selectors.analyses import shown_analyses
from diagnosis.services.analysis import retry_analysis
from diagnosis.services.reanalysis import rerun_analysis
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
        parameters=[PREFER_WAIT, *TO_POLL],
        request=AnalysisRequestSerializer,
        responses={200: AnalysisSerializer, 202: AnalysisSerializer},
    )
    def create(self, request: Request) -> Response:
        """Have a stored image analyzed by the active model; 200 once there is an answer.

        A model version answers an image once, so an image that this version has answered keeps its answer.
        """
        asked = AnalysisRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        instance = get_object_or_404(
            Instance.objects.visible_to(self.user), pk=asked.validated_data["instance"]
        )
        analysis = rerun_analysis(instance, by=self.user, reason=asked.validated_data["reason"])
        answer = answer_analysis(analysis, request=request)
        if "Location" in answer:
            answer.status_code = HTTPStatus.ACCEPTED
        return answer

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
