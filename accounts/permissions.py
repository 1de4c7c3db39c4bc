"""What a caller of the REST interface may do."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken, Scope

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView


class ScopePermission(BasePermission):
    """An active user whose token, if one was used, carries the view's scope."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Reading needs `read`; anything else the view's `write_scope`."""
        if not request.user or not request.user.is_authenticated or not request.user.is_active:
            return False
        if not isinstance(request.auth, ApiToken):
            return True
        needed = Scope.READ if request.method in SAFE_METHODS else getattr(view, "write_scope", None)
        return needed in request.auth.scopes
