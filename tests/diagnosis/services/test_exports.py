"""Exports hold what their user may see, and are gone after a day."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import AuditEntry, Role, User, UserStatus
from diagnosis import exporting
from diagnosis.models import (
    Analysis,
    AnalysisState,
    Export,
    ExportState,
    ReviewState,
    Study,
)
from diagnosis.services.exports import ExportGone, InvalidExport, open_export, request_export
from medimaging.common.errors import Conflict, NotAllowed
from medimaging.common.storage import store_content
from medimaging.common.tables import guarded
from mlcore.services.datasets import freeze_version
from tests.factories import (
    AnalysisFactory,
    DatasetItemFactory,
    DatasetLabelFactory,
    FindingFactory,
    ReviewFactory,
    ReviewFindingFactory,
    StudyFactory,
    UserFactory,
)
from tests.pictures import texture_png


def run(export: Export) -> Export:
    exporting.run_export(str(export.pk))
    export.refresh_from_db()
    return export


def content(export: Export) -> str:
    with open_export(export, by=export.requested_by) as file:
        return file.read().decode()  # type: ignore[no-any-return]


def table(export: Export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(export))))


@pytest.fixture
def finding(reader: User, charlie: User) -> Any:
    """Return a finding on the reader's study, beside one of a stranger's."""
    FindingFactory.create(analysis__instance__series__study__owner=charlie)
    finding = FindingFactory.create(analysis__instance__series__study__owner=reader, probability=0.91)
    AnalysisFactory.create(instance__series__study__owner=reader)
    return finding


def test_tables_hold_what_the_user_may_see_and_nothing_else(reader: User, finding: Any) -> None:
    rows = table(run(request_export(by=reader, kind="analyses")))
    own = Study.objects.visible_to(reader).values_list("pk", flat=True)
    assert {row["study"] for row in rows} == {str(pk) for pk in own}
    assert sorted(row["probability"] for row in rows) == ["", "0.91"]
    studies = table(run(request_export(by=reader, kind="studies")))
    assert len(studies) == 2
    assert "description" not in studies[0]


def test_oversight_exports_everything(finding: Any) -> None:
    auditor = UserFactory.create(role=Role.AUDITOR)
    export = run(request_export(by=auditor, kind="studies", format="jsonl"))
    lines = [json.loads(line) for line in content(export).splitlines()]
    assert len(lines) == export.row_count == Study.objects.count() == 3


def test_a_reader_who_reads_blind_exports_no_hidden_answer(reader: User, finding: Any) -> None:
    User.objects.filter(pk=reader.pk).update(blind_first=True)
    export = request_export(by=reader, kind="analyses")
    assert table(run(export)) == []


def test_drafts_are_not_exported_and_verdicts_are(reader: User) -> None:
    review = ReviewFactory.create(study__owner=reader)
    ReviewFindingFactory.create(review=review)
    assert table(run(request_export(by=reader, kind="reviews"))) == []
    type(review).objects.filter(pk=review.pk).update(state=ReviewState.SIGNED, signed_at=timezone.now())
    (row,) = table(run(request_export(by=reader, kind="reviews")))
    assert (row["review"], row["verdict"]) == (str(review.pk), "present")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1"])
def test_no_spreadsheet_takes_a_text_for_a_formula(text: str) -> None:
    assert guarded(text) == f"'{text}"


def test_numbers_stay_numbers() -> None:
    assert (guarded(-1.5), guarded(True), guarded(None), guarded("a-b")) == (-1.5, True, "", "a-b")


def test_a_dataset_is_exported_with_its_images_for_those_who_see_every_image(reader: User) -> None:
    steward = UserFactory.create(role=Role.DATA_STEWARD)
    key = store_content(texture_png(5), kind="instances", extension="png")
    label = DatasetLabelFactory.create(item=DatasetItemFactory.create(content_key=key))
    version = freeze_version(label.item.examination_type, by=steward)
    with pytest.raises(NotAllowed):
        request_export(by=reader, kind="dataset", dataset_version=version)
    export = run(request_export(by=steward, kind="dataset", dataset_version=version))
    assert (export.state, export.row_count) == (ExportState.SUCCEEDED, 1)
    with open_export(export, by=steward) as file, zipfile.ZipFile(file) as archive:
        assert "manifest.csv" in archive.namelist()


@pytest.mark.parametrize(("kind", "format"), [("dataset", ""), ("studies", "zip")])
def test_what_is_no_export_is_refused(reader: User, administrator: User, kind: str, format: str) -> None:
    with pytest.raises(InvalidExport):
        request_export(by=administrator, kind=kind, format=format)


def test_only_who_asked_gets_the_file_and_each_time_is_noted(
    reader: User, administrator: User, finding: Any
) -> None:
    export = request_export(by=reader, kind="studies")
    with pytest.raises(Conflict, match="no file"):
        open_export(export, by=reader)
    run(export)
    with pytest.raises(NotAllowed):
        open_export(export, by=administrator)
    content(export)
    content(export)
    assert AuditEntry.objects.filter(action="export.download", actor=reader).count() == 2


def test_an_export_expires_and_its_file_goes(reader: User, finding: Any) -> None:
    export = run(request_export(by=reader, kind="studies"))
    assert default_storage.exists(export.file_key)
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    export.refresh_from_db()
    with pytest.raises(ExportGone):
        open_export(export, by=reader)
    exporting.due_exports()
    export.refresh_from_db()
    assert export.state == ExportState.EXPIRED
    assert not default_storage.exists(export.file_key)


def test_what_a_dead_worker_held_is_taken_back_and_given_up_in_the_end(reader: User) -> None:
    export = request_export(by=reader, kind="studies")
    for attempt in (1, 2, 3):
        assert exporting._claim(str(export.pk)) is not None
        Export.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        assert exporting.due_exports() == ([str(export.pk)] if attempt < 3 else [])
    export.refresh_from_db()
    assert (export.state, export.failure_code) == (ExportState.FAILED, "worker_lost")


def test_an_export_of_somebody_suspended_meanwhile_fails(reader: User) -> None:
    export = request_export(by=reader, kind="studies")
    User.objects.update(status=UserStatus.SUSPENDED)
    assert run(export).failure_code == "not_allowed"


def test_there_is_a_limit_to_open_exports(reader: User) -> None:
    for _ in range(3):
        request_export(by=reader, kind="studies")
    with pytest.raises(Conflict, match="not finished"):
        request_export(by=reader, kind="studies")


def test_a_pending_analysis_is_exported_without_a_finding(reader: User, settings: Settings) -> None:
    StudyFactory.create(owner=reader)
    AnalysisFactory.create(instance__series__study__owner=reader)
    (row,) = table(run(request_export(by=reader, kind="analyses")))
    assert (row["state"], row["condition"]) == (AnalysisState.PENDING, "")
    assert Analysis.objects.count() == 1
