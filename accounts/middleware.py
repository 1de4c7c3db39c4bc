"""What happens around every request of somebody who is logged in."""

import zoneinfo
from collections.abc import Callable

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation

UTC_NAME = "UTC"
NEEDS_MFA = "Your role needs two-factor authentication. Set it up to go on."


class TimeZoneMiddleware:
    """Activate the signed-in user's time zone for the length of a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request in the user's own time."""
        with timezone.override(_zone(getattr(request.user, "time_zone", UTC_NAME))):
            return self.get_response(request)


class LanguageMiddleware:
    """Speak the signed-in user's language, where they chose one; LocaleMiddleware asks the browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request in the user's own language."""
        language = getattr(request.user, "language", "")
        if language:
            translation.activate(language)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


class StaffMfaMiddleware:
    """Where the site asks for it, keep staff out of everything until a second factor is set up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, or send the user to set up a second factor."""
        if settings.STAFF_MFA and self._lacks_factor(request) and not self._is_set_up(request.path):
            messages.warning(request, NEEDS_MFA)
            return redirect("mfa_activate_totp")
        return self.get_response(request)

    def _lacks_factor(self, request: HttpRequest) -> bool:
        user = request.user
        return user.is_authenticated and user.is_staff and not is_mfa_enabled(user, [Authenticator.Type.TOTP])

    def _is_set_up(self, path: str) -> bool:
        names = ("mfa_index", "account_reauthenticate", "account_logout", "account_email")
        return path.startswith((settings.STATIC_URL, *map(reverse, names)))


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo(UTC_NAME)
