"""Webhooks of the caller, and the log of what was sent."""

from http import HTTPStatus
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ReadOnlyEndpointSet
from accounts.api.permissions import AuditorsOnlyRead
from accounts.models import (
    DeliveryState,
    Scope,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from accounts.permissions import ScopePermission
from accounts.services import webhooks


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """An address that is told of events, without its secret."""

    events = serializers.ListField(child=serializers.ChoiceField(choices=WebhookEvent.choices))

    class Meta:
        model = WebhookEndpoint
        fields = ["id", "url", "events", "created_at", "disabled_at", "disabled_because"]


class IssuedWebhookSerializer(WebhookSerializer):
    """A webhook with the secret that is shown this once."""

    secret = serializers.CharField(
        source="signing_secret", help_text="Verifies signatures; shown this once, store it safely."
    )

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class NewWebhookSerializer(serializers.Serializer[Any]):
    """Where messages go, and of what they tell."""

    url = serializers.CharField(max_length=500, help_text="https, reachable from the public internet.")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=WebhookEvent.choices), allow_empty=False, max_length=50
    )


class AttemptSerializer(serializers.ModelSerializer[WebhookAttempt]):
    """One try to deliver a message."""

    class Meta:
        model = WebhookAttempt
        fields = ["at", "status", "error", "duration_ms"]


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """One message, and each try to deliver it."""

    webhook = serializers.UUIDField(source="endpoint_id")
    message_id = serializers.CharField(help_text="The header webhook-id.")
    attempts = AttemptSerializer(many=True)

    class Meta:
        model = WebhookDelivery
        fields = [
            "id",
            "webhook",
            "message_id",
            "event",
            "body",
            "state",
            "attempts",
            "next_attempt_at",
            "created_at",
            "finished_at",
        ]


class DeliveryFilter(django_filters.FilterSet):
    """Filters of messages."""

    webhook = django_filters.UUIDFilter(field_name="endpoint")
    state = django_filters.ChoiceFilter(choices=DeliveryState.choices)
    event = django_filters.ChoiceFilter(choices=WebhookEvent.choices)

    class Meta:
        model = WebhookDelivery
        fields: list[str] = []


class WebhookViewSet(ReadOnlyEndpointSet):
    """The caller's webhooks, signed after the Standard Webhooks scheme.

    Messages hold ids only. An endpoint is told of what its owner may see.
    """

    queryset = WebhookEndpoint.objects.none()
    serializer_class = WebhookSerializer
    permission_classes = [ScopePermission, AuditorsOnlyRead]
    write_scope = Scope.WEBHOOKS
    never_stored = ("secret",)
    cursor_ordering = ("-created_at", "id")

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        """Return the caller's own webhooks."""
        visible: QuerySet[WebhookEndpoint] = WebhookEndpoint.objects.visible_to(self.user)
        return visible

    @extend_schema(request=NewWebhookSerializer, responses={201: IssuedWebhookSerializer})
    def create(self, request: Request) -> Response:
        """Enter an address. Its secret is in this answer and nowhere else."""
        asked = NewWebhookSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        endpoint = webhooks.create_endpoint(by=self.user, **asked.validated_data)
        location = self.reverse_action("detail", args=[endpoint.pk])
        shown = IssuedWebhookSerializer(endpoint).data
        return Response(shown, status=HTTPStatus.CREATED, headers={"Location": location})

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a webhook with the log of what was sent to it."""
        webhooks.delete_endpoint(self.get_object(), by=self.user)
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(request=None, responses=IssuedWebhookSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret", pagination_class=None)
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """Sign with a new secret from now on; it is in this answer and nowhere else."""
        endpoint = webhooks.rotate_secret(self.get_object(), by=self.user)
        return Response(IssuedWebhookSerializer(endpoint).data)

    @extend_schema(request=None, responses=WebhookSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def enable(self, request: Request, pk: str) -> Response:
        """Send again to a webhook that was disabled, what waited included."""
        return Response(self.get_serializer(webhooks.enable_endpoint(self.get_object(), by=self.user)).data)


class WebhookDeliveryViewSet(ReadOnlyEndpointSet):
    """What was sent to the caller's webhooks, kept for 30 days."""

    queryset = WebhookDelivery.objects.none()
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    permission_classes = [ScopePermission, AuditorsOnlyRead]
    write_scope = Scope.WEBHOOKS
    cursor_ordering = ("-created_at", "id")

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        """Return the messages to the caller's own webhooks."""
        own = WebhookEndpoint.objects.visible_to(self.user)
        return (
            WebhookDelivery.objects.filter(endpoint__in=own)
            .select_related("endpoint")
            .prefetch_related("attempts")
        )

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def redeliver(self, request: Request, pk: str) -> Response:
        """Send a message again, under the same id."""
        delivery = webhooks.redeliver(self.get_object(), by=self.user)
        return Response(self.get_serializer(delivery).data, status=HTTPStatus.ACCEPTED)
