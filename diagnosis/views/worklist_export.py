"""The worklist as a file."""

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from diagnosis.forms import WorklistForm
from diagnosis.selectors.worklist import TABS
from diagnosis.selectors.worklist_export import csv_lines, matching_keys
from diagnosis.services.worklist import note_export
from diagnosis.views.common import ReaderRequest, page


@page
@require_safe
def export_worklist(request: ReaderRequest) -> HttpResponseBase:
    """Stream what the worklist shows with these filters, all pages of it."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "all"
    criteria = WorklistForm(request.GET, user=request.user).criteria()
    keys = matching_keys(request.user, tab=tab, criteria=criteria)
    note_export(by=request.user, query=request.GET.urlencode(), count=len(keys))
    site = f"{request.scheme}://{request.get_host()}"
    zone = timezone.get_current_timezone()
    lines = csv_lines(request.user, keys, zone=zone, site=site)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    day = timezone.localdate().isoformat()
    response["Content-Disposition"] = f'attachment; filename="worklist-{day}.csv"'
    return response
