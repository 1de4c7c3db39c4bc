"""Counts and durations of requests, for Prometheus: by view and status, never by who or what."""

import hmac
import os
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "medimaging_http_requests_total", "Requests answered.", ["method", "view", "status"], registry=REGISTRY
)
DURATION = Histogram(
    "medimaging_http_request_seconds", "Time to answer.", ["view"], buckets=SECONDS, registry=REGISTRY
)


class MetricsMiddleware:
    """Counts each request under the name of its view, of which there are finitely many."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request and count it."""
        begun = time.perf_counter()
        response = self.get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else "unknown"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, view, str(response.status_code)).inc()
        DURATION.labels(view).observe(time.perf_counter() - begun)
        return response


def request_registry() -> CollectorRegistry:
    """Return what all processes of this web server have counted."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def may_scrape(request: HttpRequest) -> bool:
    """Tell whether the request carries the token that the installation has set; without one, nobody may."""
    expected = f"Bearer {settings.METRICS_TOKEN}"
    given = request.headers.get("Authorization", "")
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(given.encode(), expected.encode())
