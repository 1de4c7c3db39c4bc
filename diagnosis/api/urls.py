"""Addresses of the diagnosis endpoints, below /api/v1/."""

from rest_framework.routers import BaseRouter

from diagnosis.api.views.analyses import AnalysisViewSet
from diagnosis.api.views.conditions import ConditionViewSet
from diagnosis.api.views.explanations import ExplanationViewSet
from diagnosis.api.views.exports import ExportViewSet
from diagnosis.api.views.findings import FindingViewSet
from diagnosis.api.views.instances import InstanceViewSet, UploadViewSet
from diagnosis.api.views.reviews import ReviewViewSet
from diagnosis.api.views.studies import StudyViewSet


def register(router: BaseRouter) -> None:
    """Add the sets of endpoints to the router."""
    router.register("studies", StudyViewSet, basename="study")
    router.register("instances", InstanceViewSet, basename="instance")
    router.register("analyses", AnalysisViewSet, basename="analysis")
    router.register("findings", FindingViewSet, basename="finding")
    router.register("explanations", ExplanationViewSet, basename="explanation")
    router.register("reviews", ReviewViewSet, basename="review")
    router.register("conditions", ConditionViewSet, basename="condition")
    router.register("uploads", UploadViewSet, basename="upload")
    router.register("exports", ExportViewSet, basename="export")
