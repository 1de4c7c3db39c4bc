"""A worker that is killed in the middle loses nothing."""

import time

import pytest

from diagnosis.models import Analysis, AnalysisState, ExplanationState, UploadSource
from diagnosis.models.analysis import FINAL_STATES
from diagnosis.services.analysis import wait_for_analysis
from diagnosis.services.explanations import request_explanation, wait_for_explanation
from diagnosis.services.installation import install_shipped
from diagnosis.services.intake import receive
from tests.conftest import kill_worker, start_worker, stop_worker, wait_for_worker, worker_environment

pytestmark = [pytest.mark.worker, pytest.mark.data]


def test_an_upload_is_answered_by_the_real_worker_in_under_two_seconds_of_waiting(
    worker, reader, pneumonia_radiograph
):
    upload = receive(pneumonia_radiograph, by=reader, source=UploadSource.REST)
    analysis = wait_for_analysis(upload.instance.analyses.get(), seconds=20)
    assert analysis.state == AnalysisState.SUCCEEDED
    assert analysis.model_version == worker
    assert analysis.findings.get().suggested


@pytest.fixture
def impatient(transactional_db, lifted_audit_triggers):
    """Return the environment of a worker whose leases are short, so that the test is too."""
    install_shipped()
    return {
        **worker_environment(),
        "MEDIMAGING_ANALYSIS_LEASE_SECONDS": "2",
        "MEDIMAGING_ANALYSIS_QUEUE_SECONDS": "2",
        "MEDIMAGING_ANALYSIS_MAX_ATTEMPTS": "10",
    }


def test_a_worker_killed_in_the_middle_loses_nothing(impatient, reader, data_dir):
    (version,) = install_shipped()
    first = start_worker(environment=impatient)
    try:
        wait_for_worker(first, version=version)
        files = sorted((data_dir / "upload_samples_fullres").rglob("*.jpeg"))[:12]
        for file in files:
            receive(file.read_bytes(), by=reader, source=UploadSource.REST)
        _wait_until(lambda: Analysis.objects.filter(state__in=FINAL_STATES).count() >= 1)
    finally:
        kill_worker(first)
    assert Analysis.objects.exclude(state__in=FINAL_STATES).exists(), "killed too late to prove anything"
    second = start_worker(environment=impatient)
    try:
        _wait_until(lambda: not Analysis.objects.exclude(state__in=FINAL_STATES).exists())
    finally:
        stop_worker(second)
    assert Analysis.objects.count() == len(files)
    for analysis in Analysis.objects.all():
        assert analysis.state in {AnalysisState.SUCCEEDED, AnalysisState.WITHHELD}
        assert analysis.findings.count() == (analysis.state == AnalysisState.SUCCEEDED)


def _wait_until(condition, *, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_a_map_by_gradient_is_drawn_on_request_by_the_real_worker(worker, reader, pneumonia_radiograph):
    upload = receive(pneumonia_radiograph, by=reader, source=UploadSource.REST)
    analysis = wait_for_analysis(upload.instance.analyses.get(), seconds=20)
    for method in ("integrated_gradients", "grad_cam_plus_plus", "occlusion"):
        asked = request_explanation(analysis.findings.get(), method=method, by=reader)
        drawn = wait_for_explanation(asked, seconds=120)
        assert drawn.state == ExplanationState.SUCCEEDED, drawn.failure_message
