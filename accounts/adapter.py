"""How allauth is fitted to this site."""

from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.email_verification import send_verification_email_at_login
from allauth.account.models import Login
from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest, HttpResponse

from accounts.models import User, UserStatus

INACTIVE_STATUS_KEY = "account_inactive_status"
"""Where the session keeps why somebody who gave the right password was not let in."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Registers users that wait for an administrator, and lets in nobody who is not active."""

    def pre_login(self, request: HttpRequest, user: User, **context: Any) -> HttpResponse | None:
        """Send a new user to wait; sort out the rest as allauth does."""
        if context["signup"] and not user.is_active:
            return self.respond_registered(request, email=user.email, user=user)
        response: HttpResponse | None = super().pre_login(request, user, **context)
        return response

    def login(self, request: HttpRequest, user: User) -> None:
        """Open the session, unless the user was shut out between password and second factor."""
        if not user.is_active:
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        super().login(request, user)

    def respond_registered(self, request: HttpRequest, *, email: str, user: User | None) -> HttpResponse:
        """Answer a registration; the same for a new address and a known one (`user` is None)."""
        request.session[INACTIVE_STATUS_KEY] = UserStatus.PENDING.value
        if app_settings.EMAIL_VERIFICATION != app_settings.EmailVerificationMethod.MANDATORY:
            return self._inactive_page(request, user)
        send_verification_email_at_login(request, Login(user=user, email=email, signup=True))
        response: HttpResponse = self.respond_email_verification_sent(request, user)
        return response

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Send whoever may not come in to the page that says why."""
        request.session[INACTIVE_STATUS_KEY] = user.status
        return self._inactive_page(request, user)

    def set_password(self, user: User, password: str) -> None:
        """Store the password and nothing else: the status may have changed since the user was read."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def _inactive_page(self, request: HttpRequest, user: User | None) -> HttpResponse:
        response: HttpResponse = super().respond_user_inactive(request, user)
        return response
