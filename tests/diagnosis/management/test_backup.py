"""What was backed up comes back in an empty place, byte for byte, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

pytestmark = [pytest.mark.data, pytest.mark.slow]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "postgres" and not os.environ.get("MEDIMAGING_TEST_POSTGRES"):
        pytest.skip("MEDIMAGING_TEST_POSTGRES names no PostgreSQL server")
    return request.param


def empty_database(engine: str, var: Path) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite:///{var / 'site.sqlite3'}"
        return
    server, name = os.environ["MEDIMAGING_TEST_POSTGRES"], f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield server.rpartition("/")[0] + f"/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def tell(half: str, folder: Path, *, var: Path, database: str, **more: str) -> dict[str, object]:
    environment = {
        **os.environ,
        "MEDIMAGING_VAR": str(var),
        "MEDIMAGING_DATABASE_URL": database,
        "MEDIMAGING_IDENTITY_KEY": "the key that is kept elsewhere",
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.diagnosis.management.backup_story", half, str(folder)],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def made(engine, data_dir, tmp_path_factory) -> Iterator[tuple[Path, dict[str, object]]]:
    """Make an installation with one answered image, and its backup."""
    folder = tmp_path_factory.mktemp("story")
    image = data_dir / "upload_samples_fullres/PNEUMONIA/person1251_bacteria_3208.jpeg"
    for database in empty_database(engine, folder):
        said = tell("make", folder / "backup", var=folder, database=database, STORY_IMAGE=str(image))
        yield folder / "backup", said


def test_restored_into_an_empty_place_everything_is_there_and_answers_are_identical(made, engine, tmp_path):
    backup, before = made
    for database in empty_database(engine, tmp_path):
        after = tell("restore", backup, var=tmp_path, database=database)
    assert before["state"] == "succeeded"
    assert after == before
    assert after["again"] == after["stored"]


def test_a_backup_holds_no_secret(made):
    backup, _ = made
    for path in backup.rglob("*"):
        assert path.is_dir() or b"the key that is kept elsewhere" not in path.read_bytes()


def damaged(backup: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(backup, copy)
    return copy


def test_one_wrong_bit_in_any_file_is_found_before_anything_is_restored(made, tmp_path):
    copy = damaged(made[0], tmp_path)
    victims = [path for path in copy.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert len(victims) >= 3, "database, image and model"
    for path in victims:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(CommandError, match=f"1 files of the backup are missing or damaged.*{path.name}"):
            call_command("restore", str(copy), "--check")
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    call_command("restore", str(copy), "--check")


def test_a_backup_that_was_not_finished_is_none(made, tmp_path):
    copy = damaged(made[0], tmp_path)
    (copy / "manifest.json").unlink()
    with pytest.raises(CommandError, match="no finished backup"):
        call_command("restore", str(copy))


def test_a_manifest_that_leads_outside_of_the_backup_is_refused(made, tmp_path):
    copy = damaged(made[0], tmp_path)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"]["../../etc/passwd"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CommandError, match="outside of the backup"):
        call_command("restore", str(copy))


def test_an_installation_that_holds_anything_is_never_overwritten(made, engine, db):
    if engine != "sqlite":
        pytest.skip("the tests' own database is SQLite")
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", str(made[0]))
