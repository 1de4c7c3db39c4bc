"""Who is calling the REST interface."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import tokens

REFUSAL = "This token is unknown, expired or revoked, or its user is not active."
"""One answer for all of them: it tells nobody which tokens and users exist."""


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`, RFC 6750."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the token's user, or None where no bearer token was sent."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Send the header as: Authorization: Bearer <token>.")
        token = tokens.find_token(words[1].decode("ascii", "replace"))
        if token is None:
            raise AuthenticationFailed(REFUSAL)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 asks for."""
        return 'Bearer realm="medimaging"'
