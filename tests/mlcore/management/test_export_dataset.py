"""A frozen version is written to a file by somebody who decides about datasets."""

import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry, Role
from medimaging.common.storage import delete_content, store_content
from mlcore.models import DatasetVersion, ExaminationType
from tests.factories import DatasetItemFactory, DatasetLabelFactory, ExaminationTypeFactory, UserFactory
from tests.pictures import texture_png

pytestmark = pytest.mark.django_db


@pytest.fixture
def kind() -> ExaminationType:
    UserFactory.create(email="steward@example.org", role=Role.DATA_STEWARD)
    kind: ExaminationType = ExaminationTypeFactory.create(code="brain-mri")
    key = store_content(texture_png(1), kind="instances", extension="png")
    DatasetLabelFactory.create(item=DatasetItemFactory.create(examination_type=kind, content_key=key))
    return kind


def export(target: Path, **options: object) -> None:
    given = {"examination_type": "brain-mri", "user": "steward@example.org", "verbosity": 0, **options}
    call_command("export_dataset", str(target), **given)


def test_what_is_accepted_now_is_frozen_and_written(kind: ExaminationType, tmp_path: Path) -> None:
    export(tmp_path / "a.zip")
    export(tmp_path / "b.zip", number=1, layout="imagefolder")
    assert DatasetVersion.objects.count() == 1
    assert zipfile.ZipFile(tmp_path / "a.zip").testzip() is None
    assert "train/metadata.jsonl" in zipfile.ZipFile(tmp_path / "b.zip").namelist()
    assert AuditEntry.objects.filter(action="dataset_version.export").count() == 2


def test_an_export_that_fails_leaves_no_file(kind: ExaminationType, tmp_path: Path) -> None:
    delete_content(kind.dataset_items.get().content_key)
    with pytest.raises(FileNotFoundError):
        export(tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_order_is_explained(kind: ExaminationType, tmp_path: Path) -> None:
    UserFactory.create(email="reader@example.org")
    (tmp_path / "there.zip").touch()
    for options, says in (
        ({"user": "reader@example.org"}, "data steward"),
        ({"user": "nobody@example.org"}, "No active user"),
        ({"number": 9}, "no dataset version"),
        ({"examination_type": "knee"}, "no such examination type"),
    ):
        with pytest.raises(CommandError, match=says):
            export(tmp_path / "a.zip", **options)
    with pytest.raises(CommandError, match="exists already"):
        export(tmp_path / "there.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["there.zip"]
