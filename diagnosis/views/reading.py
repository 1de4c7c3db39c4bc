"""The column beside the image: what the model says of it and what the reader says, condition by condition."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, QueryDict
from django.utils import timezone

from accounts.models import User
from diagnosis.forms import InformationForm, ReviewForm
from diagnosis.models import (
    Analysis,
    AnalysisState,
    Condition,
    DisagreementReason,
    Finding,
    Review,
    ReviewFinding,
    Study,
)
from diagnosis.selectors.boxes import written_boxes
from diagnosis.selectors.claims import signed_by_others, standing_claim
from diagnosis.selectors.explanations import maps_of
from diagnosis.selectors.learning import next_training
from diagnosis.selectors.neighbors import first_images, neighbors
from diagnosis.selectors.quality import quality_of
from diagnosis.selectors.resemblance import resemblances
from diagnosis.selectors.study_page import InstanceView, StudyPage, study_page
from diagnosis.services.verdicts import VerdictInput
from diagnosis.views.boxes import read_boxes
from mlcore.selectors import live_processes

CONDITIONS_LISTED = 8
"""Conditions that are offered one by one where no model has put them in order."""

FRESH = timedelta(seconds=5)
"""For so long a page asks four times a second for its answer; who waits longer stands in a queue."""


@dataclass(frozen=True)
class Row:
    """One condition with the model's finding, where there is one to show, and the draft's verdict."""

    condition: Condition
    finding: Finding | None = None
    facts: Mapping[str, Any] | None = None
    """What the operating point was measured to give."""
    verdict: str = ""
    note: str = ""
    boxes: str = "[]"
    """Where the reader saw it, as JSON for the page's script."""
    disagreement_reason: str = ""


def study_context(study: Study, *, user: User, instance_id: str = "", came_from: str = "") -> dict[str, Any]:
    """Return everything the templates of one study need.

    `came_from` is the query of the worklist that the reader walks through.
    """
    page = study_page(study, user=user)
    shown = _chosen(page, instance_id)
    analysis = shown.analysis if shown else None
    own_signed = [review for review in page.current_reviews if review.reader_id == user.pk]
    rows = reading_rows(page, analysis)
    listed = {row.condition.pk for row in rows}
    reviewing = user.reads_studies and (page.draft is not None or not own_signed)
    return {
        "page": page,
        "study": study,
        "shown": shown,
        "analysis": analysis,
        "rows": rows,
        "anything_suggested": any(row.finding and row.finding.suggested for row in rows),
        "is_open": analysis is not None and not analysis.is_final,
        "is_fresh": analysis is not None and _is_fresh(analysis),
        "nobody_works": analysis is not None and _waits_for_nobody(analysis),
        "failed": analysis is not None and analysis.state == AnalysisState.FAILED,
        "withheld": analysis is not None and analysis.state == AnalysisState.WITHHELD,
        "answered": analysis is not None and analysis.state == AnalysisState.SUCCEEDED,
        "claim": standing_claim(study),
        "others_signed": signed_by_others(study, user=user),
        "may_review": user.reads_studies,
        "reviewing": reviewing,
        "next_training": next_training(study.examination_type) if reviewing else None,
        "own_signed": own_signed,
        "similar": [s for s in page.similar if analysis and s.similar.analysis_id == analysis.pk],
        "maps": [(row.finding, found) for row in rows if row.finding and (found := maps_of(row.finding))],
        "quality": quality_of(analysis) if analysis and analysis.is_final else None,
        "resembles": resemblances(analysis, study, user=user) if analysis else [],
        "other_conditions": [c for c in page.conditions if c.pk not in listed],
        "disagreement_reasons": DisagreementReason.choices,
        "review_form": review_form(page.draft),
        "information_form": information_form(study),
        "neighbors": None if came_from else neighbors(study, user=user),
        "came_from": came_from,
        "priors": first_images(page.priors),
    }


def stands_as_polled(study: Study, *, polled: QueryDict) -> bool:
    """Tell, with one query, whether the page that polls shows its analysis as it still is.

    A page that polls quickly is answered anew once the analysis is no longer fresh, so that it slows down.
    """
    try:
        key = UUID(polled.get("analysis", ""))
    except ValueError:
        return False
    analysis = Analysis.objects.filter(
        pk=key, state=polled.get("state", ""), instance__series__study=study
    ).first()
    return analysis is not None and not ("fresh" in polled and not _is_fresh(analysis))


def _waits_for_nobody(analysis: Analysis) -> bool:
    """Tell whether the analysis waits, and not just now, while no worker lives."""
    waits = analysis.state == AnalysisState.PENDING and not _is_fresh(analysis)
    return waits and not live_processes()


def _is_fresh(analysis: Analysis) -> bool:
    return timezone.now() - analysis.requested_at < FRESH


def reading_rows(page: StudyPage, analysis: Analysis | None) -> list[Row]:
    """Return the model's findings, then what else the draft speaks of."""
    findings = list(analysis.findings.all()) if analysis else []
    points = analysis.model_version.operating_points if analysis else {}
    verdicts = {v.condition_id: v for v in page.draft.findings.all()} if page.draft else {}
    by_condition: dict[UUID, Row] = {}
    for finding in findings:
        facts = points.get(finding.condition.code)
        by_condition[finding.condition_id] = Row(
            finding.condition, finding, facts if isinstance(facts, dict) else None
        )
    offered = [] if findings else page.conditions[:CONDITIONS_LISTED]
    for condition in [*offered, *(given.condition for given in verdicts.values())]:
        by_condition.setdefault(condition.pk, Row(condition))
    return [_filled(row, verdicts[key]) if key in verdicts else row for key, row in by_condition.items()]


def read_verdicts(data: Mapping[str, Any], conditions: list[Condition]) -> list[VerdictInput]:
    """Return the verdicts of a sent form.

    For each condition there are the fields `verdict-<condition>`, `note-`, `boxes-` and `reason-`.
    """
    return [
        VerdictInput(
            condition,
            data[f"verdict-{condition.pk}"],
            data.get(f"note-{condition.pk}", "")[:500],
            read_boxes(data.get(f"boxes-{condition.pk}", "")),
            data.get(f"reason-{condition.pk}", ""),
        )
        for condition in conditions
        if data.get(f"verdict-{condition.pk}")
    ]


def review_form(draft: Review | None) -> ReviewForm:
    """Return the form as the draft fills it."""
    if draft is None:
        return ReviewForm(initial={"training_consent": False})
    return ReviewForm(
        initial={
            "comment": draft.comment,
            "training_consent": draft.training_consent,
            "revision": draft.revision,
        }
    )


def information_form(study: Study) -> InformationForm:
    """Return the form as the study's stored information fills it."""
    return InformationForm(
        initial={
            "description": study.description,
            "patient_age_years": study.patient_age_years,
            "patient_sex": study.patient.sex,
            "revision": study.revision,
        }
    )


def _filled(row: Row, given: ReviewFinding) -> Row:
    """Return the row with what the draft says of its condition."""
    return replace(
        row,
        verdict=given.verdict,
        note=given.note,
        boxes=written_boxes(given.boxes.all()),
        disagreement_reason=given.disagreement_reason,
    )


def _chosen(page: StudyPage, instance_id: str) -> InstanceView | None:
    """Return the image that the address names, or the first."""
    if not instance_id:
        return page.instances[0] if page.instances else None
    for view in page.instances:
        if str(view.instance.pk) == instance_id:
            return view
    raise Http404
