"""The report of a signed review as a PDF."""

from functools import cache
from html import escape
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Image, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from diagnosis.models import Review
from diagnosis.selectors import images
from diagnosis.selectors.report import Report
from diagnosis.selectors.safety_words import safety_words
from diagnosis.selectors.sentences import withheld_words
from diagnosis.templatetags.reading import percent

LONGEST_SIDE = 1000
"""Pixels of a picture in the report."""
BOX_WIDTH, BOX_HEIGHT = 84 * mm, 88 * mm
FONT, BOLD = "DejaVuSans", "DejaVuSans-Bold"
MUTED = colors.HexColor("#4d5d69")


def report_pdf(report: Report, *, address: str) -> bytes:
    """Return the report; `address` is where its page stands."""
    _register_fonts()
    file = BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=A4,
        title=_("Report: %(kind)s") % {"kind": report.study.patient.pseudonym},
        author="medimaging",
        subject=str(report.study.examination_type),
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=16 * mm,
        bottomMargin=24 * mm,
    )

    def frame(canvas: Any, page: Any) -> None:
        _frame(canvas, page.page, address=address)

    document.build(
        [*_head(report), *_pictures(report), *_verdicts(report), *_model(report), *_proof(report, address)],
        onFirstPage=frame,
        onLaterPages=frame,
    )
    return file.getvalue()


@cache
def _register_fonts() -> None:
    """Register a font that has every European letter; it comes with matplotlib."""
    spec = find_spec("matplotlib")
    folder = Path(next(iter(spec.submodule_search_locations or []))) if spec else Path()
    for name in (FONT, BOLD):
        pdfmetrics.registerFont(TTFont(name, folder / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf"))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def _frame(canvas: Any, number: int, *, address: str) -> None:
    """Write the safety words, the address and the page's number at the foot of a page."""
    canvas.saveState()
    canvas.setFont(BOLD, 7.5)
    canvas.drawString(18 * mm, 15 * mm, safety_words()[0])
    canvas.setFont(FONT, 7)
    canvas.setFillColor(MUTED)
    canvas.drawString(18 * mm, 11 * mm, address)
    canvas.drawRightString(A4[0] - 18 * mm, 11 * mm, _("Page %(number)d") % {"number": number})
    canvas.restoreState()


def _text(words: object, *, bold: bool = False, size: float = 9, muted: bool = False) -> Paragraph:
    style = ParagraphStyle(
        "text",
        fontName=BOLD if bold else FONT,
        fontSize=size,
        leading=size * 1.35,
        textColor=MUTED if muted else colors.black,
        wordWrap="CJK" if " " not in str(words) else None,
    )
    return Paragraph(escape(str(words)).replace("\n", "<br/>"), style)


def _title(words: str) -> list[Flowable]:
    return [Spacer(1, 4 * mm), _text(words, bold=True, size=11), Spacer(1, 1.5 * mm)]


def _facts(rows: list[tuple[str, object]]) -> Table:
    table = Table(
        [[_text(name, muted=True, size=8), _text(value, size=8)] for name, value in rows],
        colWidths=[42 * mm, 132 * mm],
    )
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]))
    return table


def _at(moment: Any) -> str:
    local = timezone.localtime(moment)
    return f"{date_format(local, 'Y-m-d H:i')} {local.tzname()}"


def _head(report: Report) -> list[Flowable]:
    study = report.study
    rows: list[tuple[str, object]] = [
        (_("Patient (pseudonym)"), study.patient.pseudonym),
        (_("Age"), "–" if study.patient_age_years is None else study.patient_age_years),
        (_("Sex"), study.patient.get_sex_display() or "–"),
        (_("Received"), _at(study.created_at)),
        (_("Description"), study.description or "–"),
    ]
    parts: list[Flowable] = [
        _text(_("Report: %(kind)s") % {"kind": study.examination_type}, bold=True, size=15)
    ]
    if report.amended_by is not None:
        words = _("This review was amended on %(date)s. Read the amendment instead: %(reason)s") % {
            "date": _at(report.amended_by.signed_at),
            "reason": report.amended_by.amendment_reason,
        }
        parts += [Spacer(1, 2 * mm), _text(words, bold=True)]
    return [*parts, Spacer(1, 3 * mm), _facts(rows), Spacer(1, 3 * mm)]


def _pictures(report: Report) -> list[Flowable]:
    if report.instance is None:
        return [_text(_("This study holds no image"), muted=True)]
    frame = report.analysis.frame_index if report.analysis else None
    pictures = [images.display_png(report.instance, frame=frame, max_side=LONGEST_SIDE)]
    words = [_("Image")]
    if report.overlaid is not None:
        pictures.append(images.overlaid_png(report.overlaid, frame=frame, max_side=LONGEST_SIDE))
        words.append(f"{report.overlaid.condition.name}. {safety_words()[3]}")
    cells: list[list[Any]] = [
        [_picture(one) for one in pictures],
        [_text(one, size=7.5, muted=True) for one in words],
    ]
    return [Table(cells, colWidths=[87 * mm] * len(pictures), hAlign="LEFT")]


def _picture(png: bytes) -> Image:
    picture = Image(BytesIO(png))
    scale = min(BOX_WIDTH / picture.imageWidth, BOX_HEIGHT / picture.imageHeight)
    picture.drawWidth, picture.drawHeight = picture.imageWidth * scale, picture.imageHeight * scale
    return picture


def _verdicts(report: Report) -> list[Flowable]:
    review = report.review
    parts = _title(_("What the reader signed"))
    parts.append(_said(review))
    if review.amendment_reason:
        parts.append(_text(_("Amendment, because: %(reason)s") % {"reason": review.amendment_reason}))
    for before in report.earlier:
        parts += _title(_("Before, signed on %(date)s") % {"date": _at(before.signed_at)})
        parts.append(_said(before))
    return parts


def _said(review: Review) -> Table:
    rows: list[tuple[str, object]] = [
        (given.condition.name, f"{given.get_verdict_display()}{f': {given.note}' if given.note else ''}")
        for given in review.findings.all()
    ]
    if review.comment:
        rows.append((_("Comment"), review.comment))
    return _facts(rows)


def _model(report: Report) -> list[Flowable]:
    parts = _title(_("What the model said"))
    if report.analysis is None:
        return [*parts, _text(_("Read without the model's answer."))]
    words = safety_words()
    if report.withheld:
        return [*parts, _text(withheld_words(report.analysis)), _text(words[0])]
    rows: list[tuple[str, object]] = [
        (
            finding.condition.name,
            _("%(word)s, probability %(probability)s, operating point %(point)s")
            % {
                "word": _("Suggested") if finding.suggested else _("Not suggested"),
                "probability": percent(finding.probability),
                "point": percent(finding.operating_point),
            },
        )
        for finding in report.analysis.findings.all()
    ]
    parts.append(_facts(rows))
    if not report.anything_suggested:
        parts.append(_text(words[1], bold=True))
    return [*parts, _text(words[0], bold=True)]


def _proof(report: Report, address: str) -> list[Flowable]:
    review, version, entry = report.review, report.review.model_version, report.entry
    rows: list[tuple[str, object]] = [
        (_("Signed by"), review.reader),
        (_("Signed at"), _at(review.signed_at)),
        (_("Model version"), f"{version} ({version.artifact_sha256[:16]}…)" if version else "–"),
        (_("Review"), review.pk),
        (_("Content (SHA-256)"), report.content_hash),
        (_("Entry in the audit trail"), f"{entry.sequence}: {entry.hash}" if entry else "–"),
        (_("Compare with"), address),
    ]
    return [*_title(_("How to verify this report")), _facts(rows)]
