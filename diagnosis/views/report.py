"""The report of a signed review: a page to print, and a PDF."""

from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from diagnosis.selectors.report import report_of
from diagnosis.selectors.report_pdf import report_pdf
from diagnosis.selectors.safety_words import safety_words
from diagnosis.services.reports import note_report
from diagnosis.views.common import ReaderRequest, page


@page
@require_safe
def show_report(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Show the report of a signed review, made to be printed."""
    report = report_of(pk, user=request.user)
    return render(request, "diagnosis/report.html", {"report": report, "words": safety_words()})


@page
@require_safe
def download_report(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Answer with the report as a PDF, and record that it left the site."""
    report = report_of(pk, user=request.user)
    address = request.build_absolute_uri(reverse("diagnosis:report", args=[pk]))
    content = report_pdf(report, address=address)
    note_report(report.review, by=request.user, content_hash=report.content_hash)
    response = HttpResponse(content, content_type="application/pdf")
    name = f"report-{report.study.patient.pseudonym[:14]}-{report.review.signed_at:%Y-%m-%d}.pdf"
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response
