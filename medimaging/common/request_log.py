"""One log entry for each request, and its id on the answer and in the tasks that it causes."""

from typing import Any, cast

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware

from medimaging.common.scrubbing import scrub_path

HEADER = "X-Request-ID"
UNKNOWN = "an unknown address"
"""What is logged of an address that is none of the site's: whoever made it up may have put a name into it."""


class RequestLogMiddleware(RequestMiddleware):
    """Logs the path without its query, in which people search for patients."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return what was asked, without what might identify somebody."""
        known = request.resolver_match is not None
        return f"{request.method} {scrub_path(request.path) if known else UNKNOWN}"

    def __call__(self, request: HttpRequest) -> Any:
        """Answer the request, with its id."""
        self.prepare(request)
        request_id = structlog.contextvars.get_contextvars().get("request_id", "")
        response = cast(HttpResponse, self.get_response(request))
        response[HEADER] = request_id
        self.handle_response(request, response)
        return response
