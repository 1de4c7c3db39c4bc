"""An administrator brings a new type of examination into use, without a line of code.

Brain MRI is created in the administration pages, labeled slices are imported, a network is
trained by a worker of its own, reaches what the gate asks of a first model and is activated, and
an image is answered by the running worker.
"""

import shutil
import time

import pytest
from django.core.management import call_command
from django.urls import reverse

from diagnosis.models import Analysis, AnalysisState, Condition, UploadSource
from diagnosis.services.intake import receive
from mlcore.models import (
    ChangeKind,
    ExaminationType,
    ItemState,
    LimitName,
    TrainingRun,
    TrainingState,
)
from mlcore.selectors import active_version
from mlcore.services.change_plans import adopt_plan
from tests.conftest import wait_for_worker
from tests.diagnosis.admin.forms import address, perform, said
from tests.worker.test_training_worker import state_of, trainers, wait_until

pytestmark = [pytest.mark.worker, pytest.mark.data, pytest.mark.slow]
__all__ = ["trainers"]

LABELS = ("notumor", "pituitary")
EACH = 150
"""So many that the test fold holds the fifty images that the gate asks for."""


@pytest.fixture
def slices(data_dir, tmp_path):
    """Return a folder with a folder of images for each label, and one image more."""
    for label in LABELS:
        (tmp_path / "mri" / label).mkdir(parents=True)
        for path in sorted((data_dir / "mri_brain" / label).iterdir())[:EACH]:
            shutil.copy(path, tmp_path / "mri" / label)
    unseen = sorted((data_dir / "mri_brain" / "pituitary").iterdir())[-1]
    return tmp_path / "mri", unseen


def test_brain_mri_is_created_imported_trained_activated_and_answered(
    transactional_db, lifted_audit_triggers, administrator, client, slices, worker_process, trainers
):
    folder, unseen = slices
    client.force_login(administrator)
    form = {"code": "brain-mri", "name": "Brain MRI", "modality": "MR", "trains_after": "100"}
    client.post(address(ExaminationType, "add"), form)
    kind = ExaminationType.objects.get(code="brain-mri")
    condition = {"examination_type": kind.pk, "code": "pituitary", "name": "Pituitary tumor"}
    client.post(address(Condition, "add"), condition)
    assert Condition.objects.get(code="pituitary").state == "approved"

    call_command(
        "import_dataset",
        *(str(folder), "--examination-type", "brain-mri", "--user", administrator.email),
        *("--absent-label", "notumor", "--verbosity", "0"),
    )
    assert set(kind.conditions.values_list("code", flat=True)) == {"pituitary"}
    assert kind.dataset_items.filter(state=ItemState.ACCEPTED).count() > EACH

    adopt_plan(
        kind,
        by=administrator,
        reason="Eight epochs of a tiny network, calibrated on thirty images, are enough to try the way.",
        changes=ChangeKind.values,
        limits={LimitName.NEW_CLASS_AUROC: 0.6, LimitName.ECE_MARGIN: 0.1},
    )
    models = client.get(reverse("diagnosis:models")).content.decode()
    assert "the first training is begun by hand" in models
    started = client.post(
        reverse("diagnosis:training-start", args=["brain-mri"]),
        {"kind": "full", "architecture": "tiny_cnn", "epochs": "8"},
    )
    run = TrainingRun.objects.get(examination_type=kind)
    assert started["Location"] == reverse("diagnosis:training", args=[run.pk])
    assert (run.architecture, run.epochs) == ("tiny_cnn", 8)
    trainers()
    wait_until(lambda: state_of(run) not in {TrainingState.PENDING, TrainingState.RUNNING}, seconds=400)
    run.refresh_from_db()
    assert run.state == TrainingState.SUCCEEDED, run.failure_message
    page = client.get(reverse("diagnosis:model-version", args=[run.candidate_id])).content.decode()
    assert "Pituitary tumor" in page
    report = run.candidate.gate_reports.get()
    assert report.passed, [one["reason"] for one in report.criteria if not one["passed"]]

    answer = perform(client, "activate", run.candidate, reason="The first of its kind.")
    assert "done for 1 of 1" in said(answer)
    assert active_version(kind) == run.candidate
    wait_for_worker(worker_process, version=run.candidate)
    upload = receive(unseen.read_bytes(), by=administrator, source=UploadSource.PAGE, examination_type=kind)
    analysis = Analysis.objects.get(instance=upload.instance)
    deadline = time.monotonic() + 120
    while not analysis.is_final and time.monotonic() < deadline:
        time.sleep(0.1)
        analysis.refresh_from_db()
    assert analysis.state in {AnalysisState.SUCCEEDED, AnalysisState.WITHHELD}, analysis.failure_message
    assert analysis.model_version == run.candidate
    if analysis.state == AnalysisState.SUCCEEDED:
        assert analysis.findings.count() == 1
