"""Ask for analyses, ask again, and wait for them."""

import time

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from diagnosis import announcements, tasks
from diagnosis.latest import note_latest_analysis
from diagnosis.models import Analysis, AnalysisState, Instance
from medimaging.common.errors import Conflict, NotAllowed
from mlcore.selectors import active_version

POLL_SECONDS = 0.05
OPEN_STATES = (AnalysisState.PENDING, AnalysisState.RUNNING)


@transaction.atomic
def request_analysis(instance: Instance, *, by: User | None = None) -> Analysis | None:
    """Queue one analysis by the active model, to start once the caller's transaction is committed.

    Returns None where no model is active for the examination type. Asking twice
    for the same model version returns the analysis that is there.
    """
    version = active_version(instance.series.study.examination_type)
    if version is None:
        return None
    analysis, created = Analysis.objects.get_or_create(
        instance=instance, model_version=version, defaults={"requested_by": by}
    )
    if created:
        note_latest_analysis(instance.series.study_id)
        _signal(analysis)
    return analysis


@transaction.atomic
def retry_analysis(analysis: Analysis, *, by: User, reason: str = "") -> Analysis:
    """Queue a failed analysis again, with all its attempts before it."""
    if not by.uploads_images:
        raise NotAllowed(_("Your role does not ask for analyses."))
    if analysis.instance.quarantined_at is not None:
        raise Conflict(_("This image is in quarantine."), code="quarantined", mend=_("Release it first."))
    failure = {"code": analysis.failure_code, "message": analysis.failure_message}
    analysis.transition_to(
        AnalysisState.PENDING,
        attempts=0,
        signaled_at=timezone.now(),
        finished_at=None,
        failure_code="",
        failure_message="",
    )
    audit.record("analysis.retry", by=by, target=analysis, reason=reason, details={"failure": failure})
    _signal(analysis)
    return analysis


@transaction.atomic
def cancel_analysis(analysis: Analysis, *, by: User, reason: str) -> Analysis:
    """Stop an analysis that waits or runs; what a worker is working out for it is thrown away.

    It counts as failed from now on, so that it can be retried.
    """
    if not by.has_perm("diagnosis.change_analysis"):
        raise NotAllowed(_("Only an administrator or a data steward cancels analyses."))
    before = analysis.state
    if before not in OPEN_STATES:
        raise Conflict(
            _("This analysis has ended (%(state)s) and cannot be cancelled.") % {"state": before},
            code="not_cancellable",
        )
    analysis.transition_to(
        AnalysisState.FAILED,
        finished_at=timezone.now(),
        lease_expires_at=None,
        failure_code="cancelled",
        failure_message=f"Cancelled: {reason.strip()}",
    )
    announcements.analysis_finished(analysis)
    audit.record("analysis.cancel", by=by, target=analysis, reason=reason, details={"before": before})
    return analysis


def wait_for_analysis(analysis: Analysis, *, seconds: float) -> Analysis:
    """Return the analysis once it is final, or as it stands when the time is up."""
    deadline = time.monotonic() + seconds
    while not analysis.is_final and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        analysis.refresh_from_db()
    return analysis


def _signal(analysis: Analysis) -> None:
    transaction.on_commit(lambda: tasks.signal(str(analysis.pk)))
