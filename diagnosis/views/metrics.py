"""What Prometheus collects."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from diagnosis.selectors.state_metrics import StateCollector
from medimaging.common.metrics import may_scrape, request_registry


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer whoever carries the token; for everybody else there is no such address."""
    if not may_scrape(request):
        raise Http404
    state = CollectorRegistry()
    state.register(StateCollector())
    body = generate_latest(request_registry()) + generate_latest(state)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)
