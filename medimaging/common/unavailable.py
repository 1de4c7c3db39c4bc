"""Say that a server behind the site is away for a moment, instead of that something is broken."""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from botocore.exceptions import BotoCoreError
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from redis.exceptions import RedisError

from medimaging.common.problems import problem

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = "5"
AWAY = (OperationalError, InterfaceError, RedisError, BotoCoreError)
"""What database, cache and file store raise when they do not answer."""
DETAIL = "The database, the cache or the file store does not answer at the moment."
MEND = "Nothing was acknowledged. Repeat the request in a moment; the same file twice is stored once."


class UnavailableMiddleware:
    """Answers 503 where a view met a server that is away, so that callers know to repeat."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer where such a server is what failed; anything else rises."""
        if not isinstance(error, AWAY):
            return None
        log.error("server_unavailable", error=type(error).__name__)
        if request.path.startswith("/api/"):
            headers = {"Retry-After": RETRY_AFTER_SECONDS}
            return problem(
                HTTPStatus.SERVICE_UNAVAILABLE, code="unavailable", detail=DETAIL, mend=MEND, headers=headers
            )
        response = render(request, "503.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
        response["Retry-After"] = RETRY_AFTER_SECONDS
        return response
