"""Everything that the report of a signed review states, and how it can be verified."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from django.db.models import Prefetch
from django.http import Http404

from accounts.models import AuditEntry, User
from diagnosis.models import (
    Analysis,
    AnalysisState,
    Finding,
    Instance,
    Review,
    ReviewFinding,
    ReviewState,
    Study,
)
from diagnosis.selectors.blinding import reviews_shown_to
from diagnosis.selectors.boxes import written_boxes

SIGNING = ("review.sign", "review.amend")


@dataclass(frozen=True)
class Report:
    """One signed review with what it stands on; `analysis` is what the reader had in view, or None."""

    study: Study
    review: Review
    amended_by: Review | None
    earlier: list[Review]
    instance: Instance | None
    analysis: Analysis | None
    content_hash: str
    entry: AuditEntry | None

    @property
    def overlaid(self) -> Finding | None:
        """Return the most probable finding that has a saliency map."""
        if self.analysis is None:
            return None
        return next((finding for finding in self.analysis.findings.all() if finding.saliency_key), None)

    @property
    def anything_suggested(self) -> bool:
        """Tell whether the model suggested a finding."""
        return self.analysis is not None and any(f.suggested for f in self.analysis.findings.all())

    @property
    def withheld(self) -> bool:
        """Tell whether the model held its answer back."""
        return self.analysis is not None and self.analysis.state == AnalysisState.WITHHELD


def report_of(review_id: UUID, *, user: User) -> Report:
    """Return the report of a signed review, or 404 where the user may not see it."""
    verdicts = Prefetch(
        "findings", ReviewFinding.objects.select_related("condition").prefetch_related("boxes")
    )
    shown = reviews_shown_to(user).filter(state=ReviewState.SIGNED)
    rows = shown.select_related("reader", "model_version", "study__patient", "study__examination_type")
    review = rows.prefetch_related(verdicts).filter(pk=review_id).first()
    if review is None:
        raise Http404
    signed = {row.pk: row for row in rows.filter(study=review.study_id).prefetch_related(verdicts)}
    instance = Instance.objects.visible_to(user).filter(series__study=review.study_id).first()
    return Report(
        study=review.study,
        review=review,
        amended_by=next((row for row in signed.values() if row.amends_id == review.pk), None),
        earlier=_earlier(review, signed),
        instance=instance,
        analysis=_analysis(review, instance),
        content_hash=content_hash(review),
        entry=_entry(review),
    )


def content_hash(review: Review) -> str:
    """Return the SHA-256 of everything that the signed review says."""
    at = review.signed_at.astimezone(UTC).isoformat(timespec="microseconds") if review.signed_at else ""
    version = review.model_version
    said = {
        "review": str(review.pk),
        "study": review.study.study_instance_uid,
        "reader": str(review.reader_id),
        "signed_at": at,
        "verdicts": sorted(_said(finding) for finding in review.findings.all()),
        "comment": review.comment,
        "model_answer_seen": review.model_answer_seen,
        "model": version.artifact_sha256 if version else "",
        "amends": str(review.amends_id or ""),
        "amendment_reason": review.amendment_reason,
    }
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _said(finding: ReviewFinding) -> list[str]:
    """Return what one verdict says, its reason and boxes included."""
    return [
        *(finding.condition.code, finding.verdict, finding.note, finding.disagreement_reason),
        written_boxes(finding.boxes.all()),
    ]


def _earlier(review: Review, signed: dict[UUID, Review]) -> list[Review]:
    """Return what the review amends, the newest first."""
    chain: list[Review] = []
    before = review.amends_id
    while before is not None and before in signed:
        chain.append(signed[before])
        before = signed[before].amends_id
    return chain


def _analysis(review: Review, instance: Instance | None) -> Analysis | None:
    """Return the answer that the reader had in view when signing."""
    if instance is None or not review.model_answer_seen or review.model_version_id is None:
        return None
    findings = Prefetch("findings", Finding.objects.select_related("condition"))
    answers = Analysis.objects.filter(
        instance=instance,
        model_version=review.model_version_id,
        state__in=(AnalysisState.SUCCEEDED, AnalysisState.WITHHELD),
    )
    found: Analysis | None = answers.select_related("model_version").prefetch_related(findings).first()
    return found


def _entry(review: Review) -> AuditEntry | None:
    entries = AuditEntry.objects.filter(target_type="diagnosis.review", target_id=str(review.pk))
    return entries.filter(action__in=SIGNING).first()
