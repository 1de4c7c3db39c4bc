"""The shell command against a real server with a real worker: upload, wait, results, sign, train."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role, User
from diagnosis.models import Analysis, AnalysisState, Review, ReviewState, Study
from mlcore.models import ModelVersion, TrainingRun
from tests.factories import ApiTokenFactory, UserFactory

pytestmark = [pytest.mark.worker, pytest.mark.data]


class Shell:
    """Runs the command as a person does."""

    def __init__(self, live_server: LiveServer, user: User) -> None:
        token = ApiTokenFactory.create(user=user)
        named = {"MEDIMAGING_SITE": live_server.url, "MEDIMAGING_TOKEN": token.secret}
        self.environment = {**os.environ, **named}

    def __call__(self, *words: str, status: int = 0) -> tuple[list[dict[str, Any]], str]:
        done = subprocess.run(
            [sys.executable, "-m", "medimaging.client", *words],
            cwd=settings.BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_from_a_file_to_a_signed_review_and_a_training(
    live_server: LiveServer, worker: ModelVersion, pneumonia_radiograph: bytes, tmp_path: Path
) -> None:
    shell = Shell(live_server, UserFactory.create(role=Role.DATA_STEWARD))
    image, text = tmp_path / "image.jpeg", tmp_path / "notes.txt"
    image.write_bytes(pneumonia_radiograph)
    text.write_text("not an image")

    (uploaded,), complaint = shell("upload", str(text), str(image), "--wait", "120", status=1)
    assert "notes.txt" in complaint
    assert "Send the image file itself." in complaint
    assert uploaded["state"] == "succeeded"
    assert "Preliminary output of a model" in uploaded["notice"]
    stored = Analysis.objects.get(pk=uploaded["analysis"])
    assert stored.state == AnalysisState.SUCCEEDED
    (finding,) = uploaded["findings"]
    assert finding["probability"] == stored.findings.get().probability

    (waited,), _ = shell("wait", uploaded["analysis"])
    (listed,), _ = shell("results", uploaded["study"])
    assert waited["findings"] == listed["findings"] == uploaded["findings"]

    (signed,), _ = shell("sign", uploaded["study"], "pneumonia=present", "--consent")
    assert signed["verdicts"] == {"pneumonia": "present"}
    review = Review.objects.get(study=Study.objects.get())
    assert (review.state, review.training_consent) == (ReviewState.SIGNED, True)

    (training,), _ = shell("train", worker.examination_type.code)
    assert TrainingRun.objects.get().pk.hex == training["training_run"].replace("-", "")
    _, refused = shell("train", worker.examination_type.code, status=1)
    assert "training" in refused.lower()


def test_a_stranger_learns_nothing_of_a_study(
    live_server: LiveServer, worker: ModelVersion, pneumonia_radiograph: bytes, tmp_path: Path, charlie: User
) -> None:
    image = tmp_path / "image.jpeg"
    image.write_bytes(pneumonia_radiograph)
    (uploaded,), _ = Shell(live_server, UserFactory.create())("upload", str(image))
    stranger = Shell(live_server, charlie)
    assert stranger("results", uploaded["study"]) == ([], "")
    for words in (("wait", uploaded["analysis"]), ("sign", uploaded["study"], "pneumonia=absent")):
        _, refused = stranger(*words, status=1)
        assert "does not exist" in refused
