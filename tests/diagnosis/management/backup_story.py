"""One half of a backup's story, in a process of its own: make one, or restore one and say what answers.

python -m tests.diagnosis.management.backup_story make|restore FOLDER; prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django
from django.core.management import call_command


def main() -> None:
    """Tell the half that was asked for."""
    half, folder = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medimaging.settings")
    django.setup()
    (make if half == "make" else restore)(folder)


def make(folder: str) -> None:
    from diagnosis import pipeline
    from diagnosis.models import UploadSource
    from diagnosis.services.installation import install_shipped
    from diagnosis.services.intake import receive
    from tests.factories import UserFactory

    call_command("migrate", verbosity=0)
    install_shipped()
    reader = UserFactory.create(email="reader@example.org")
    upload = receive(Path(os.environ["STORY_IMAGE"]).read_bytes(), by=reader, source=UploadSource.REST)
    pipeline.run_analysis(str(upload.instance.analyses.get().pk))
    call_command("backup", folder, stdout=sys.stderr)
    call_command("backup", folder, stdout=sys.stderr)  # twice into one folder is one backup
    say()


def restore(folder: str) -> None:
    call_command("restore", folder, stdout=sys.stderr)
    say()


def say() -> None:
    """Print what is stored of the one analysis, and what its model answers now."""
    from diagnosis.models import Analysis
    from medimaging.common.storage import read_content
    from mlcore import serving
    from mlcore.engine.imaging.decode import decode_image

    analysis = Analysis.objects.get()
    finding = analysis.findings.get()
    image = decode_image(read_content(analysis.instance.content_key))
    again = serving.predictor_for(analysis.model_version).predict(image).findings[0].probability
    said = {
        "state": analysis.state,
        "pseudonym": analysis.instance.series.study.patient.pseudonym,
        "stored": finding.probability,
        "again": again,
        "map": len(read_content(finding.saliency_key)),
    }
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
