"""Administration of webhooks: stop one, let it go on, send a message again."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.admin_actions import reason_action
from accounts.admin_base import CountlessPaginator, FactsAdmin
from accounts.models import DeliveryState, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from accounts.services import webhooks

disable = reason_action(
    "disable",
    label="Disable",
    consequence="Nothing is sent to the address any more. What waits for it waits.",
    perform=webhooks.disable_endpoint,
    applies=lambda row: row.disabled_at is None,
)
enable = reason_action(
    "enable",
    label="Enable",
    consequence="Messages go to the address again, those that waited included.",
    perform=webhooks.enable_endpoint,
    applies=lambda row: row.disabled_at is not None,
)
redeliver = reason_action(
    "redeliver",
    label="Redeliver",
    consequence="Each message is sent again under the same id, so that the receiver can tell.",
    perform=webhooks.redeliver,
    applies=lambda row: row.state != DeliveryState.PENDING,
)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(FactsAdmin):
    """Addresses that are told of events; owners make them over REST."""

    list_display = ["url", "owner", "event_list", "created_at", "disabled_at", "disabled_because"]
    list_filter = ["disabled_at"]
    list_select_related = ["owner"]
    search_fields = ["url", "=owner__email"]
    paginator = CountlessPaginator
    show_facets = admin.ShowFacets.NEVER
    actions = [disable, enable]
    readonly_fields = ["event_list"]
    fields = ["url", "owner", "event_list", "created_at", "disabled_at", "disabled_because"]

    @admin.display(description="Events")
    def event_list(self, row: WebhookEndpoint) -> str:
        """Return the events as words."""
        return ", ".join(row.events)


class AttemptInline(admin.TabularInline[WebhookAttempt, WebhookDelivery]):
    """Each try to deliver the message."""

    model = WebhookAttempt
    extra = 0
    can_delete = False
    fields = ("at", "status", "error", "duration_ms")
    readonly_fields = ("at", "status", "error", "duration_ms")

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse: the log is written by machines."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse: the log is not edited."""
        return False


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(FactsAdmin):
    """Messages to webhooks, and what became of them."""

    list_display = ["created_at", "event", "endpoint", "state", "attempt_count", "next_attempt_at"]
    list_filter = ["state", "event"]
    list_select_related = ["endpoint"]
    search_fields = ["=id"]
    search_help_text = "The id of a message."
    paginator = CountlessPaginator
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ["created_at"]
    actions = [redeliver]
    inlines = [AttemptInline]


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(FactsAdmin):
    """Tries to deliver messages, over all webhooks."""

    list_display = ["at", "delivery", "status", "error", "duration_ms"]
    list_select_related = ["delivery"]
    paginator = CountlessPaginator
    show_facets = admin.ShowFacets.NEVER
    ordering = ["-id"]
    sortable_by = ("at",)
