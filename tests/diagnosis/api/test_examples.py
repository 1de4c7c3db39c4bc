"""The examples of docs/rest.md do what they say."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.models import User
from diagnosis.models import Analysis, Review, ReviewState
from tests.factories import ApiTokenFactory

SAMPLE = "upload_samples_fullres/PNEUMONIA/person1227_virus_2078.jpeg"


@pytest.mark.data
@pytest.mark.worker
def test_the_examples_upload_wait_poll_review_and_sign(
    worker: Any, live_server: Any, reader: User, data_dir: Path, tmp_path: Path
) -> None:
    guide = (settings.BASE_DIR / "docs/rest.md").read_text()
    examples = "\n".join(re.findall(r"```sh\n(.*?)```", guide, re.DOTALL))
    # Aliases are for people at a terminal; a script has to ask for them.
    script = f"shopt -s expand_aliases\nset -euo pipefail\n{examples}"
    run = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "SITE": live_server.url,
            "TOKEN": ApiTokenFactory.create(user=reader).secret,
            "RADIOGRAPH": str(data_dir / SAMPLE),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert '"state":"succeeded"' in (tmp_path / "upload.json").read_text()
    assert '"duplicate":true' in run.stdout
    assert '"code": "unknown_format"' in run.stdout
    for picture in ("image.png", "map.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    review = Review.objects.get()
    assert review.state == ReviewState.SIGNED
    assert review.training_consent
    assert review.findings.get().suggested_by_model == Analysis.objects.get().findings.get().suggested
