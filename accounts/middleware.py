"""Show times in the zone of whoever looks."""

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone


class TimeZoneMiddleware:
    """Activate the signed-in user's time zone for the length of a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request in the user's own time."""
        name = getattr(request.user, "time_zone", "UTC")
        with timezone.override(zoneinfo.ZoneInfo(name)):
            return self.get_response(request)
