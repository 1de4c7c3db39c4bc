"""Endpoints about the caller: who they are, and their tokens."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import Endpoint, ReadOnlyEndpointSet
from accounts.api.serializers import (
    DEFAULT_LIFETIME,
    IssuedTokenSerializer,
    MeSerializer,
    NewTokenSerializer,
    TokenSerializer,
)
from accounts.models import ApiToken, User
from accounts.services import tokens


class MeView(Endpoint, GenericAPIView[User]):
    """The caller: name, role, and what the token in use may do."""

    serializer_class = MeSerializer

    def get(self, request: Request) -> Response:
        """Say who is calling."""
        return Response(self.get_serializer(self.user).data)


class TokenViewSet(ReadOnlyEndpointSet):
    """The caller's own API tokens.

    Tokens are made and revoked in a browser session only, so that nobody who
    found one can make himself another.
    """

    queryset = ApiToken.objects.none()
    serializer_class = TokenSerializer
    never_stored = ("secret",)

    def get_queryset(self) -> QuerySet[ApiToken]:
        """Return the caller's own tokens."""
        return ApiToken.objects.filter(user=self.user).select_related("user")

    @extend_schema(request=NewTokenSerializer, responses={201: IssuedTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a token. Its secret is in this answer and nowhere else."""
        asked = NewTokenSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted: dict[str, Any] = {"expires_at": timezone.now() + DEFAULT_LIFETIME, **asked.validated_data}
        token, secret = tokens.create_token(self.user, by=self.user, **wanted)
        shown = {**self.get_serializer(token).data, "secret": secret}
        location = self.reverse_action("detail", args=[token.pk])
        return Response(shown, status=status.HTTP_201_CREATED, headers={"Location": location})

    def destroy(self, request: Request, pk: str) -> Response:
        """Revoke a token for good; revoking it twice is no error."""
        tokens.revoke_token(self.get_object(), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
