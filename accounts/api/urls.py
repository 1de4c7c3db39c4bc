"""Addresses of the accounts endpoints, below /api/v1/."""

from django.urls import re_path
from rest_framework.routers import BaseRouter

from accounts.api import schema
from accounts.api.views import MeView, TokenViewSet

__all__ = ["register", "schema", "urlpatterns"]

urlpatterns = [re_path(r"^me/?$", MeView.as_view(), name="me")]


def register(router: BaseRouter) -> None:
    """Add the sets of endpoints to the router."""
    router.register("tokens", TokenViewSet, basename="token")
