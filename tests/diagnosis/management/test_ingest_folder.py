"""Take every file of a folder in."""

import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from PIL import Image

from accounts.models import User, UserStatus
from diagnosis.models import Analysis, Instance, Study, Upload, UploadSource, UploadState
from mlcore.models import ExaminationType, ModelVersion
from tests.conftest import worker_environment
from tests.factories import ExaminationTypeFactory, ModelVersionFactory, UserFactory


@pytest.fixture
def chest_type(db: None) -> ExaminationType:
    """Return the only examination type with an active model."""
    return ModelVersionFactory.create().examination_type


def write_image(path: Path, *, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 48), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three images in two levels, a text file and an empty file."""
    root = tmp_path / "folder"
    for number, name in enumerate(("b.png", "a.png", "below/c.png")):
        write_image(root / name, seed=number)
    (root / "letter.dcm").write_text("Dear colleague, the patient was seen today.")
    (root / "nothing.png").touch()
    return root


def ingest(folder: Path, *arguments: str, user: str = "reader@example.org") -> tuple[int, list[str]]:
    """Run the command and return its exit status and its lines."""
    output = StringIO()
    status = 0
    try:
        call_command("ingest_folder", str(folder), "--user", user, *arguments, stdout=output)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, output.getvalue().splitlines()


def test_each_file_has_one_line_in_the_order_of_the_names(
    folder: Path, reader: User, chest_type: ExaminationType
) -> None:
    status, lines = ingest(folder)
    assert status == 1
    assert [line.split(":")[0] for line in lines] == [
        "a.png",
        "b.png",
        "letter.dcm",
        "nothing.png",
        "below/c.png",
        "Done",
    ]
    studies = Study.objects.filter(owner=reader)
    assert {line.rsplit(" ", 1)[1] for line in lines if "accepted " in line and "Done" not in line} == {
        str(study.pk) for study in studies
    }
    assert "rejected: " in lines[2]
    assert "holds text, not an image" in lines[2]
    assert "empty" in lines[3]
    assert lines[-1] == "Done: 3 accepted, 0 duplicate, 0 stored before, 2 rejected, 0 skipped."
    assert set(Upload.objects.values_list("source", flat=True)) == {UploadSource.COMMAND}


def test_a_second_run_skips_what_is_stored(folder: Path, reader: User, chest_type: ExaminationType) -> None:
    ingest(folder, "--pattern", "*.png")
    (folder / "nothing.png").unlink()
    uploads = Upload.objects.count()
    write_image(folder / "d.png", seed=99)
    status, lines = ingest(folder, "--pattern", "*.png")
    assert status == 0
    assert lines[0].startswith("a.png: stored before as ")
    assert lines[-1] == "Done: 1 accepted, 0 duplicate, 3 stored before, 0 rejected, 0 skipped."
    assert Upload.objects.count() == uploads + 1


def test_the_same_image_twice_is_stored_once(folder: Path, reader: User, chest_type: ExaminationType) -> None:
    (folder / "a-copy.png").write_bytes((folder / "a.png").read_bytes())
    _, lines = ingest(folder, "--pattern", "a*.png")
    stored = Instance.objects.get()
    assert lines[1] == f"a.png: stored before as {stored.pk}"


def test_what_somebody_else_stored_is_a_duplicate_and_becomes_visible(
    folder: Path, reader: User, charlie: User, chest_type: ExaminationType
) -> None:
    ingest(folder, "--pattern", "a.png")
    _, lines = ingest(folder, "--pattern", "a.png", user=charlie.email)
    assert lines[0] == f"a.png: duplicate of {Instance.objects.get().pk}"
    assert Study.objects.visible_to(charlie).count() == 1


def test_a_dry_run_says_what_would_happen_and_stores_nothing(
    folder: Path, reader: User, chest_type: ExaminationType
) -> None:
    status, lines = ingest(folder, "--dry-run")
    assert status == 1
    assert lines[0] == "a.png: would be accepted"
    assert "would be rejected: " in lines[2]
    assert not Upload.objects.exists()
    assert not Instance.objects.exists()


def test_a_pattern_chooses_by_folder_and_name(
    folder: Path, reader: User, chest_type: ExaminationType
) -> None:
    status, lines = ingest(folder, "--pattern", "below/*.png")
    assert status == 0
    assert [line.split(":")[0] for line in lines] == ["below/c.png", "Done"]


def test_links_lead_nowhere_outside_the_folder(
    folder: Path, tmp_path: Path, reader: User, chest_type: ExaminationType
) -> None:
    write_image(tmp_path / "elsewhere/secret.png", seed=7)
    (folder / "out.png").symlink_to(tmp_path / "elsewhere/secret.png")
    (folder / "out").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "in.png").symlink_to(folder / "a.png")
    _, lines = ingest(folder)
    text = "\n".join(lines)
    assert "out.png: skipped: a link that leads out of the folder." in text
    assert "out: skipped: a link to a folder." in text
    assert "loop: skipped: a link to a folder." in text
    assert "in.png: stored before as " in text
    assert Instance.objects.count() == 3


def test_what_cannot_be_read_is_a_verdict(folder: Path, reader: User, chest_type: ExaminationType) -> None:
    (folder / "gone.png").symlink_to(folder / "was-here.png")
    os.mkfifo(folder / "pipe.png")
    status, lines = ingest(folder, "--pattern", "*.png")
    assert status == 1
    assert "gone.png: rejected: the file cannot be read." in lines
    assert "pipe.png: skipped: not a regular file." in lines
    assert Instance.objects.count() == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_a_verdict(
    folder: Path, reader: User, chest_type: ExaminationType
) -> None:
    (folder / "a.png").chmod(0)
    _, lines = ingest(folder, "--pattern", "a.png")
    assert lines[0] == "a.png: rejected: the file cannot be read."


def test_a_name_that_breaks_the_line_is_written_on_one(
    folder: Path, reader: User, chest_type: ExaminationType
) -> None:
    write_image(folder / "two\nlines.png", seed=3)
    _, lines = ingest(folder, "--pattern", "two*")
    assert lines[0].startswith("two?lines.png: accepted ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--user", "nobody@example.org"], "No active user has this address."),
        (["--user", "gone@example.org"], "No active user has this address."),
        (["--user", "reader@example.org", "--examination-type", "none"], "no such examination type"),
    ],
)
def test_a_wrong_argument_is_said_before_anything_is_read(
    arguments: list[str], message: str, folder: Path, reader: User, chest_type: ExaminationType
) -> None:
    UserFactory.create(email="gone@example.org", status=UserStatus.SUSPENDED)
    with pytest.raises(CommandError, match=message):
        call_command("ingest_folder", str(folder), *arguments)
    assert not Upload.objects.exists()


def test_the_examination_type_must_be_said_where_several_could_be_meant(
    folder: Path, reader: User, chest_type: ExaminationType
) -> None:
    brain = ModelVersionFactory.create().examination_type
    with pytest.raises(CommandError, match="--examination-type"):
        ingest(folder)
    ingest(folder, "--pattern", "a.png", "--examination-type", brain.code)
    assert Study.objects.get().examination_type == brain


def test_an_image_without_a_model_is_stored_and_the_wait_says_so(folder: Path, reader: User) -> None:
    examination_type = ExaminationTypeFactory.create()
    status, lines = ingest(
        folder, "--pattern", "a.png", "--examination-type", examination_type.code, "--wait", "0"
    )
    assert lines[-1] == "Analyses: 1 not analyzed."
    assert status == 1


def test_the_wait_ends_when_its_time_is_up(folder: Path, reader: User, chest_type: ExaminationType) -> None:
    status, lines = ingest(folder, "--pattern", "a.png", "--wait", "0.2")
    assert lines[-1] == "Analyses: 1 pending."
    assert status == 1


@pytest.mark.data
@pytest.mark.slow
def test_radiographs_at_full_size_are_taken_in_beside_what_is_no_image(
    data_dir: Path, tmp_path: Path, reader: User, chest_type: ExaminationType
) -> None:
    samples = sorted((data_dir / "upload_samples_fullres").rglob("*.jpeg"))
    assert len(samples) == 30
    for sample in samples:
        target = tmp_path / sample.parent.name / sample.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(sample.read_bytes())
    (tmp_path / "notes.txt").write_text("These are radiographs.")
    (tmp_path / "empty.jpeg").touch()
    status, lines = ingest(tmp_path)
    assert status == 1
    assert lines[-1] == "Done: 30 accepted, 0 duplicate, 0 stored before, 2 rejected, 0 skipped."
    assert Instance.objects.count() == Analysis.objects.count() == 30
    assert ingest(tmp_path)[1][-1].startswith("Done: 0 accepted, 0 duplicate, 30 stored before, 2 rejected")


@pytest.mark.data
@pytest.mark.worker
def test_the_wait_sees_the_answers_of_a_real_worker(
    worker: ModelVersion, data_dir: Path, tmp_path: Path
) -> None:
    UserFactory.create(email="reader@example.org")
    for sample in sorted((data_dir / "upload_samples_fullres/NORMAL").glob("*.jpeg"))[:2]:
        (tmp_path / sample.name).write_bytes(sample.read_bytes())
    status, lines = ingest(tmp_path, "--wait", "60")
    assert status == 0, lines
    assert lines[-1] in {"Analyses: 2 succeeded.", "Analyses: 1 succeeded, 1 withheld."}


@pytest.mark.slow
def test_a_run_that_is_interrupted_leaves_nothing_half_and_is_continued(
    transactional_db: None, lifted_audit_triggers: None, tmp_path: Path
) -> None:
    UserFactory.create(email="reader@example.org")
    ModelVersionFactory.create()
    for number in range(60):
        write_image(tmp_path / f"{number:03}.png", seed=number)
    command = [sys.executable, "manage.py", "ingest_folder", str(tmp_path), "--user", "reader@example.org"]
    run = subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=worker_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    first = run.stdout.readline()
    assert "000.png: accepted" in first
    run.send_signal(signal.SIGINT)
    rest, bar = run.communicate(timeout=120)
    lines = [first.strip(), *rest.splitlines()]
    assert run.returncode == 1
    assert lines[-1] == "Give the same command again to continue."
    assert "file" in bar
    assert "Traceback" not in bar
    done = sum("accepted " in line for line in lines[:-2])
    assert 1 <= done < 60
    assert Instance.objects.count() == Upload.objects.count() == Analysis.objects.count() == done
    assert set(Upload.objects.values_list("state", flat=True)) == {UploadState.ACCEPTED}
    again = subprocess.run(
        command, cwd=settings.BASE_DIR, env=worker_environment(), capture_output=True, text=True, check=True
    )
    assert f"{60 - done} accepted, 0 duplicate, {done} stored before" in again.stdout
    assert Instance.objects.count() == 60
