"""What must hold after every fault. Each check returns sentences about what was lost."""

from __future__ import annotations

import functools
import hashlib
import re
import time
from collections import Counter
from collections.abc import Iterable

from benchmarks.faults.load import Acknowledged

KEY = re.compile(r"^instances/[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64})\.[a-z]+$")


def wait_until_final(acknowledged: Iterable[Acknowledged], *, seconds: float) -> list[str]:
    """Wait until each upload's analyses are final, and name those that are not in time."""
    from django.db import DatabaseError, connection

    from diagnosis.models import Analysis
    from diagnosis.models.analysis import FINAL_STATES

    ids = [one.instance for one in acknowledged]
    deadline = time.monotonic() + seconds
    left: list[str] = ["the database did not answer in time"]
    while time.monotonic() < deadline:
        try:
            waiting = Analysis.objects.filter(instance__in=ids).exclude(state__in=FINAL_STATES)
            left = [
                f"analysis {a.pk} is {a.state} after {a.attempts} attempts by {a.worker}" for a in waiting
            ]
        except DatabaseError:
            connection.close()
        if not left:
            return []
        time.sleep(0.5)
    return left


def check_uploads(acknowledged: Iterable[Acknowledged]) -> list[str]:
    """Hold each acknowledged upload against what is stored: one row, the right bytes, one answer."""
    from diagnosis.models import AnalysisState, Instance
    from diagnosis.services.cleaning import content_digest
    from medimaging.common.storage import read_content

    lost = []
    for one in acknowledged:
        instance = Instance.objects.filter(pk=one.instance).first()
        if instance is None:
            lost.append(f"instance {one.instance} is gone")
            continue
        found = KEY.match(instance.content_key)
        stored = read_content(instance.content_key)
        if not found or hashlib.sha256(stored).hexdigest() != found[1]:
            lost.append(f"instance {one.instance} is not the bytes that its name promises")
        if hashlib.sha256(stored).hexdigest() != _expected(one.content):
            lost.append(f"instance {one.instance} is not what was sent")
        if not instance.uploads.filter(digest=content_digest(one.content), state="accepted").exists():
            lost.append(f"instance {one.instance} has no accepted upload")
        answers = list(instance.analyses.all())
        repeated = [v for v, count in Counter(a.model_version_id for a in answers).items() if count > 1]
        if not answers or repeated:
            lost.append(f"instance {one.instance} has {len(answers)} analyses, twice by {repeated}")
        for answer in answers:
            expected = int(answer.state == AnalysisState.SUCCEEDED)
            if answer.state == AnalysisState.FAILED or answer.findings.count() != expected:
                lost.append(
                    f"analysis {answer.pk} {answer.state} with {answer.findings.count()} findings: "
                    f"{answer.failure_message}"
                )
    return lost


@functools.cache
def _expected(content: bytes) -> str:
    """Return the digest of what is to be kept of a file; it is checked more than once."""
    from diagnosis.services.cleaning import clean

    return hashlib.sha256(clean(content).content).hexdigest()


def check_lists(acknowledged: Iterable[Acknowledged]) -> list[str]:
    """Check that each study names its latest analysis and ranks by it, as the worklist shows it."""
    from diagnosis.models import Analysis, Study
    from diagnosis.models.study import NOT_RANKED

    lost = []
    ids = [one.instance for one in acknowledged]
    for study in Study.objects.filter(series__instances__in=ids).distinct():
        analyses = Analysis.objects.filter(instance__series__study=study)
        latest = analyses.order_by("-requested_at", "id").first()
        found = latest.findings.values_list("probability", flat=True) if latest else []
        expected = (latest and latest.pk, max(found, default=NOT_RANKED))
        if (study.latest_analysis_id, study.ranked_probability) != expected:
            lost.append(f"study {study.pk} is listed by another analysis than its latest, {latest}")
    return lost


def check_models() -> list[str]:
    """Check that one version answers, whole, and that the trail says the same."""
    from accounts.models import AuditEntry
    from medimaging.common.storage import read_content
    from mlcore.models import ModelVersion

    active = list(ModelVersion.objects.active())
    if len(active) != 1:
        return [f"{len(active)} versions are active"]
    lost = []
    decided = AuditEntry.objects.filter(action__in=["model_version.activate", "model_version.roll_back"])
    last = decided.order_by("-sequence").first()
    if last is None or last.target_id != str(active[0].pk):
        lost.append(f"{active[0].pk} is active, but the trail last speaks of {last and last.target_id}")
    if active[0].retired_at is not None or active[0].activated_at is None:
        lost.append(f"{active[0].pk} is half promoted")
    digest = hashlib.sha256(read_content(active[0].artifact_key)).hexdigest()
    if digest != active[0].artifact_sha256:
        lost.append(f"the file of {active[0].pk} is not the one that was registered")
    return lost


def check_trail() -> list[str]:
    """Check the hash chain of the audit trail."""
    from accounts.services.audit import verify_chain

    report = verify_chain()
    return [] if report.is_whole else [f"the audit trail is broken: {report.problem}"]
