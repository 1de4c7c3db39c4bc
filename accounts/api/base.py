"""What every endpoint has in common: who is admitted, how much is read, and what is done twice."""

from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.utils.cache import patch_vary_headers
from rest_framework import mixins, viewsets
from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.idempotency import IdempotentPosts
from accounts.models import ApiToken, Scope, User
from medimaging.common.parsers import check_length


def caller(request: Request) -> User:
    """Return who is calling; the permissions admit no stranger."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


class GuardedView(APIView):
    """Counts every request against the throttles, refused ones too, and reads no endless body."""

    write_scope: ClassVar[str | None] = None
    """What a token must carry to change anything here; None: no token may."""

    accepts_chunks: ClassVar[bool] = False
    """Whether a body may come without saying how long it is; the view counts what it reads."""

    @property
    def max_body_bytes(self) -> int:
        """Return how long a body is read at most."""
        return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

    @property
    def user(self) -> User:
        """Return who is calling; the permissions admit no stranger."""
        return caller(self.request)

    def perform_authentication(self, request: Request) -> None:
        """Find out who is calling; a wrong token counts against the address it comes from."""
        check_length(request, limit=self.max_body_bytes, accepts_chunks=self.accepts_chunks)
        try:
            super().perform_authentication(request)
        finally:
            super().check_throttles(request)

    def check_throttles(self, request: Request) -> None:
        """Do nothing: `perform_authentication` has counted the request."""

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> NoReturn:
        """Say that the method is not offered, or which scope the token lacks, where that is what is wrong."""
        if request.user.is_authenticated and request.method not in self.allowed_methods:
            raise MethodNotAllowed(str(request.method))
        if code is None and isinstance(request.auth, ApiToken):
            needed = Scope.READ if request.method in SAFE_METHODS else self.write_scope
            raise PermissionDenied(
                f"This needs a token with the scope {needed}."
                if needed
                else "This is done signed in with a browser, not with a token.",
                code="insufficient_scope",
            )
        super().permission_denied(request, message=message, code=code)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep what is one user's out of every cache."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-store")
        patch_vary_headers(response, ["Authorization"])
        return response


class Endpoint(IdempotentPosts, GuardedView):
    """The base of every view of the REST interface."""


class EndpointSet(Endpoint, viewsets.GenericViewSet[Any]):
    """The base of every set of views over one model."""


class ReadOnlyEndpointSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, EndpointSet):
    """A list and its items."""
