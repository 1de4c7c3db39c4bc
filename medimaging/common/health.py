"""Answers to those who watch over the site: does it live, and can it take requests."""

import time
from collections.abc import Callable
from http import HTTPStatus

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from medimaging.common.probes import Probe, probe_all

LIVE, READY = "/health/live", "/health/ready"
KEPT_SECONDS = 2.0
"""For how long an answer is given again: anybody may ask, and asking costs every server something."""

_asked: tuple[float, list[Probe]] | None = None


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
    probes = _recent_probes()
    ready = all(probe.ok for probe in probes if probe.needed)
    if not ready:
        connection.close()  # a broken one would be asked again
    answer = {"ready": ready, **{probe.name: "ok" if probe.ok else "failed" for probe in probes}}
    return JsonResponse(answer, status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)


def _recent_probes() -> list[Probe]:
    global _asked
    asked = _asked
    if asked is None or time.monotonic() - asked[0] >= KEPT_SECONDS:
        asked = _asked = time.monotonic(), probe_all()
    return asked[1]
