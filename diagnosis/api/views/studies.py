"""Studies: list, look, and edit the stored information."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.api.base import ReadOnlyEndpointSet
from accounts.api.permissions import AuditorsOnlyRead
from accounts.models import Scope
from accounts.permissions import ScopePermission
from diagnosis.api.filters import StudyFilter
from diagnosis.api.serializers.studies import StudyChangeSerializer, StudyDetailSerializer, StudySerializer
from diagnosis.models import Instance, Study
from diagnosis.selectors.worklist import worklist
from diagnosis.services.studies import edit_information
from medimaging.common.headers import etag_of, expected_revision
from medimaging.common.openapi import ETAG, IF_MATCH


class StudyViewSet(ReadOnlyEndpointSet):
    """The studies that the caller may see."""

    queryset = Study.objects.none()
    filterset_class = StudyFilter
    permission_classes = [ScopePermission, AuditorsOnlyRead]
    write_scope = Scope.REVIEW
    cursor_ordering = ("-created_at", "id")

    def get_queryset(self) -> QuerySet[Study]:
        """Return the worklist; of one study, its instances too."""
        studies = worklist(self.user)
        if self.action == "list":
            return studies
        visible = Instance.objects.visible_to(self.user)
        return studies.prefetch_related(Prefetch("series__instances", visible))

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        """Return the serializer of a row in the list, or of a whole study."""
        return StudySerializer if self.action == "list" else StudyDetailSerializer

    @extend_schema(parameters=[ETAG])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one study; its ETag is what a change must name."""
        return self._answer(self.get_object())

    @extend_schema(
        parameters=[IF_MATCH, ETAG],
        request=StudyChangeSerializer,
        responses=OpenApiResponse(StudyDetailSerializer),
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Edit the stored information, with a reason; the audit trail keeps before and after."""
        study = self.get_object()
        revision = expected_revision(request, study)
        asked = StudyChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        edit_information(
            study,
            by=self.user,
            changes=asked.changes,
            reason=asked.validated_data["reason"],
            expected_revision=revision,
        )
        return self._answer(self.get_object())

    def _answer(self, study: Study) -> Response:
        return Response(self.get_serializer(study).data, headers={"ETag": etag_of(study)})
