"""Studies: list, look, edit the stored information, and ask a reader to read."""

from http import HTTPStatus
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.api.base import ReadOnlyEndpointSet, caller
from accounts.api.permissions import AuditorsOnlyRead
from accounts.models import Scope
from accounts.permissions import ScopePermission
from diagnosis.api.filters import StudyFilter
from diagnosis.api.pagination import StudyPagination
from diagnosis.api.renderers import DicomRenderer, FHIRRenderer
from diagnosis.api.serializers.studies import (
    AssignmentSerializer,
    StudyChangeSerializer,
    StudyDetailSerializer,
    StudySerializer,
)
from diagnosis.api.views.claims import ClaimActions
from diagnosis.models import Instance, Study
from diagnosis.reporting.fhir import fhir_bundle
from diagnosis.selectors.reports import report_facts, structured_report_of
from diagnosis.selectors.worklist import worklist
from diagnosis.services.studies import edit_information
from diagnosis.services.worklist import assign_studies
from medimaging.common.headers import etag_of, expected_revision
from medimaging.common.openapi import ETAG, IF_MATCH


class AssignersOnly(BasePermission):
    """Administrators and data stewards."""

    message = "Only an administrator or a data steward assigns studies."
    code = "not_allowed"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the caller may go on."""
        return caller(request).assigns_studies


class StudyViewSet(ClaimActions, ReadOnlyEndpointSet):
    """The studies that the caller may see."""

    queryset = Study.objects.none()
    filterset_class = StudyFilter
    pagination_class = StudyPagination
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

    @extend_schema(request=AssignmentSerializer, responses={204: None})
    @action(
        detail=True,
        methods=["post"],
        permission_classes=[ScopePermission, AssignersOnly],
        filterset_class=None,
        pagination_class=None,
    )
    def assign(self, request: Request, pk: str) -> Response:
        """Ask a reader to read the study, which shares it with them; asking twice asks once."""
        study = self.get_object()
        asked = AssignmentSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        assign_studies([study], by=self.user, **asked.validated_data)
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(responses={(200, "application/dicom"): OpenApiTypes.BINARY})
    @action(detail=True, renderer_classes=[DicomRenderer], filterset_class=None, pagination_class=None)
    def report(self, request: Request, pk: str) -> Response:
        """Return the findings as a DICOM Structured Report (TID 1500), preliminary until signed."""
        name = f'attachment; filename="report-{pk}.dcm"'
        return Response(
            structured_report_of(self.user, self.get_object()), headers={"Content-Disposition": name}
        )

    @extend_schema(responses={(200, "application/fhir+json"): OpenApiTypes.OBJECT})
    @action(detail=True, renderer_classes=[FHIRRenderer], filterset_class=None, pagination_class=None)
    def fhir(self, request: Request, pk: str) -> Response:
        """Return a FHIR R4 Bundle: DiagnosticReport, ImagingStudy, Observations, and who made them."""
        facts = report_facts(self.user, self.get_object())
        root = request.build_absolute_uri(reverse("dicomweb:studies")).rsplit("/", 1)[0]
        return Response(fhir_bundle(facts, dicomweb=root))

    def _answer(self, study: Study) -> Response:
        return Response(self.get_serializer(study).data, headers={"ETag": etag_of(study)})
