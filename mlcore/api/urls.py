"""Addresses of the mlcore endpoints, below /api/v1/."""

from rest_framework.routers import BaseRouter

from mlcore.api.change_plans import ChangePlanViewSet
from mlcore.api.datasets import DatasetItemViewSet, DatasetVersionViewSet
from mlcore.api.training import TrainingRunViewSet
from mlcore.api.views import ExaminationTypeViewSet, ModelVersionViewSet


def register(router: BaseRouter) -> None:
    """Add the sets of endpoints to the router."""
    router.register("examination-types", ExaminationTypeViewSet, basename="examination-type")
    router.register("model-versions", ModelVersionViewSet, basename="model-version")
    router.register("change-plans", ChangePlanViewSet, basename="change-plan")
    router.register("training-runs", TrainingRunViewSet, basename="training-run")
    router.register("datasets", DatasetVersionViewSet, basename="dataset")
    router.register("dataset-items", DatasetItemViewSet, basename="dataset-item")
