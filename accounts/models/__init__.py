"""Users, their tokens, and the audit trail."""

from accounts.models.audit import AuditEntry, AuditHead
from accounts.models.idempotency import IdempotentRequest
from accounts.models.token import ApiToken, Scope
from accounts.models.user import Role, User, UserStatus
from accounts.models.webhook import (
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

__all__ = [
    "ApiToken",
    "AuditEntry",
    "AuditHead",
    "DeliveryState",
    "IdempotentRequest",
    "Role",
    "Scope",
    "User",
    "UserStatus",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
