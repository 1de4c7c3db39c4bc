"""Who may call which endpoint, beyond the scopes of a token."""

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.base import caller
from accounts.models import Role


class AdministratorsChange(BasePermission):
    """Everybody reads; administrators change."""

    message = "Only an administrator may do this."
    code = "not_allowed"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the caller may go on."""
        return request.method in SAFE_METHODS or caller(request).is_superuser


class AuditorsOnlyRead(BasePermission):
    """An auditor looks and touches nothing."""

    message = "An auditor may read, and change nothing."
    code = "not_allowed"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the caller may go on."""
        return request.method in SAFE_METHODS or caller(request).role != Role.AUDITOR
