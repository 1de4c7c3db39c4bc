"""The rows of an export: what its user may see now, without free text that could name somebody."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Q

from accounts.models import User
from diagnosis.models import Analysis, ExportKind, Finding, ReviewFinding, ReviewState, Study
from diagnosis.selectors.blinding import reviews_shown_to, with_answers_hidden

Row = dict[str, Any]
CHUNK = 1000


def rows_of(kind: str, *, user: User) -> Iterator[Row]:
    """Yield the rows of one kind, in a fixed order."""
    return ROWS[ExportKind(kind)](user)


def _studies(user: User) -> Iterator[Row]:
    studies = Study.objects.visible_to(user).select_related("patient", "examination_type")
    for study in studies.order_by("created_at", "id").iterator(chunk_size=CHUNK):
        yield {
            "study": study.pk,
            "study_instance_uid": study.study_instance_uid,
            "examination_type": study.examination_type.code,
            "patient": study.patient.pseudonym,
            "patient_sex": study.patient.sex,
            "patient_age_years": study.patient_age_years,
            "created_at": study.created_at,
        }


def _analyses(user: User) -> Iterator[Row]:
    visible = Analysis.objects.visible_to(user)
    marked = with_answers_hidden(visible, user=user, study="instance__series__study")
    shown = marked.filter(Q(answers_hidden=False))
    analyses = shown.select_related("instance__series", "model_version").order_by("requested_at", "id")
    for chunk in _chunks(analyses.iterator(chunk_size=CHUNK)):
        said: dict[Any, list[Finding]] = {}
        for finding in Finding.objects.filter(analysis__in=chunk).select_related("condition"):
            said.setdefault(finding.analysis_id, []).append(finding)
        for analysis in chunk:
            found = said.get(analysis.pk, [])
            yield from (_analysis_row(analysis, finding) for finding in found)
            if not found:
                yield _analysis_row(analysis, None)


def _analysis_row(analysis: Analysis, finding: Finding | None) -> Row:
    return {
        "analysis": analysis.pk,
        "study": analysis.instance.series.study_id,
        "instance": analysis.instance_id,
        "model_version": analysis.model_version_id,
        "model": str(analysis.model_version),
        "state": analysis.state,
        "withheld_reason": analysis.withheld_reason,
        "failure_code": analysis.failure_code,
        "requested_at": analysis.requested_at,
        "finished_at": analysis.finished_at,
        "condition": finding.condition.code if finding else None,
        "probability": finding.probability if finding else None,
        "operating_point": finding.operating_point if finding else None,
        "suggested": finding.suggested if finding else None,
    }


def _reviews(user: User) -> Iterator[Row]:
    signed = reviews_shown_to(user).filter(state=ReviewState.SIGNED)
    verdicts = ReviewFinding.objects.filter(review__in=signed).select_related("review", "condition")
    for verdict in verdicts.order_by("review__signed_at", "review", "id").iterator(chunk_size=CHUNK):
        review = verdict.review
        yield {
            "review": review.pk,
            "study": review.study_id,
            "reader": review.reader_id,
            "signed_at": review.signed_at,
            "amends": review.amends_id,
            "model_answer_seen": review.model_answer_seen,
            "training_consent": review.training_consent,
            "condition": verdict.condition.code,
            "verdict": verdict.verdict,
            "suggested_by_model": verdict.suggested_by_model,
        }


def _chunks(rows: Iterator[Analysis]) -> Iterator[list[Analysis]]:
    chunk: list[Analysis] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


ROWS: dict[ExportKind, Callable[[User], Iterator[Row]]] = {
    ExportKind.STUDIES: _studies,
    ExportKind.ANALYSES: _analyses,
    ExportKind.REVIEWS: _reviews,
}
