"""Answers to those who watch over the site: does it live, and can it take requests."""

from collections.abc import Callable
from http import HTTPStatus

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from medimaging.common.probes import probe_all

LIVE, READY = "/health/live", "/health/ready"


class HealthMiddleware:
    """Stands first, because who watches over a process asks by its address and has no session.

    `live` says that the process answers, and asks nobody: a restart mends no database.
    `ready` asks every server, and names the one that fails but not where it is.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the two addresses, and pass everything else on."""
        if request.path not in (LIVE, READY):
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        response = JsonResponse({"live": True}) if request.path == LIVE else _ready()
        response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response


def _ready() -> JsonResponse:
    probes = probe_all()
    ready = all(probe.ok for probe in probes if probe.needed)
    if not ready:
        connection.close()  # a broken one would be asked again
    answer = {"ready": ready, **{probe.name: "ok" if probe.ok else "failed" for probe in probes}}
    return JsonResponse(answer, status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)
