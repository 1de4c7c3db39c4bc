"""Addresses of the accounts endpoints, below /api/v1/."""

from django.urls import re_path
from rest_framework.routers import BaseRouter

from accounts.api import schema
from accounts.api.views import MeView, TokenViewSet
from accounts.api.webhooks import WebhookDeliveryViewSet, WebhookViewSet

__all__ = ["register", "schema", "urlpatterns"]

urlpatterns = [re_path(r"^me/?$", MeView.as_view(), name="me")]


def register(router: BaseRouter) -> None:
    """Add the sets of endpoints to the router."""
    router.register("tokens", TokenViewSet, basename="token")
    router.register("webhooks", WebhookViewSet, basename="webhook")
    router.register("webhook-deliveries", WebhookDeliveryViewSet, basename="webhook-delivery")
