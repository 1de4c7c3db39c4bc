"""A site starts with what it has: labeled folders and tables become dataset items."""

import csv
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AuditEntry, Role, User
from diagnosis.dicom.pseudonyms import pseudonym
from diagnosis.models import Condition, ConditionState, Instance, Patient, Study, UploadSource
from diagnosis.services import cleaning, intake
from diagnosis.services.conditions import merge_condition
from medimaging.common.identity import identity_key
from mlcore.models import DatasetItem, DatasetLabel, ExaminationType, ItemState
from mlcore.services.datasets import resolve_conflict
from tests.factories import ConditionFactory, ExaminationTypeFactory, PatientFactory, UserFactory
from tests.pictures import exported_again, texture_png

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward() -> User:
    return UserFactory.create(email="steward@example.org", role=Role.DATA_STEWARD)


@pytest.fixture
def kind() -> ExaminationType:
    return ExaminationTypeFactory.create(code="breast-ultrasound")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "ultrasound"
    for seed, label in enumerate(["benign", "benign", "malignant", "normal"]):
        put(root / label / f"{seed}.png", texture_png(seed))
    return root


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def run(capsys: pytest.CaptureFixture[str], source: Path, **options: object) -> list[str]:
    """Run the command and return its lines; it must end well."""
    given = {
        "examination_type": "breast-ultrasound",
        "user": "steward@example.org",
        "absent_label": ["normal"],
        "verbosity": 0,
        **options,
    }
    call_command("import_dataset", str(source), **given)
    return capsys.readouterr().out.splitlines()


def run_badly(capsys: pytest.CaptureFixture[str], source: Path, **options: object) -> list[str]:
    """Run the command, which must end with status 1, and return its lines."""
    with pytest.raises(SystemExit) as ended:
        run(capsys, source, **options)
    assert ended.value.code == 1
    return capsys.readouterr().out.splitlines()


def labels() -> dict[str, dict[str, bool]]:
    """The current labels by the content's key."""
    found: dict[str, dict[str, bool]] = {}
    for label in DatasetLabel.objects.current().select_related("item"):
        found.setdefault(label.item.content_key, {})[label.condition] = label.present
    return found


def key_of(content: bytes) -> str:
    return intake.store_content(cleaning.clean(content).content, kind="instances", extension="png")


def test_folders_are_labels_present_for_their_own_condition_and_absent_for_the_others(
    kind: ExaminationType, steward: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = run(capsys, folder)
    assert lines[0].startswith("Done: 4 imported, 0 of a content that was there")
    assert labels() == {
        key_of(texture_png(0)): {"benign": True, "malignant": False},
        key_of(texture_png(1)): {"benign": True, "malignant": False},
        key_of(texture_png(2)): {"benign": False, "malignant": True},
        key_of(texture_png(3)): {"benign": False, "malignant": False},
    }
    assert {item.state for item in DatasetItem.objects.all()} == {ItemState.ACCEPTED}
    made = Condition.objects.filter(examination_type=kind, state=ConditionState.APPROVED)
    assert sorted(made.values_list("name", flat=True)) == ["Benign", "Malignant"]
    assert not Study.objects.exists()
    assert not Instance.objects.exists()
    entry = AuditEntry.objects.get(action="dataset.import")
    assert (entry.actor, entry.details["files"]) == (steward, {"imported": 4})


def test_a_second_run_changes_nothing_and_a_new_folder_says_more_of_what_is_there(
    kind: ExaminationType, steward: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, folder)
    before = list(DatasetLabel.objects.values_list("pk", flat=True))
    assert (
        "0 imported, 0 of a content that was there, 0 labeled anew, 4 imported before"
        in run(capsys, folder)[0]
    )
    assert list(DatasetLabel.objects.values_list("pk", flat=True)) == before
    put(folder / "cyst" / "9.png", texture_png(9))
    assert "1 imported, 0 of a content that was there, 4 labeled anew" in run(capsys, folder)[0]
    assert labels()[key_of(texture_png(0))] == {"benign": True, "cyst": False, "malignant": False}
    assert DatasetItem.objects.count() == 5


def test_a_run_that_was_stopped_is_continued(
    kind: ExaminationType, steward: User, folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    part = tmp_path / "half" / "ultrasound"
    shutil.copytree(folder, part, ignore=lambda where, names: {"2.png", "3.png"} & set(names))
    put(part / "malignant" / "broken.png", b"not a picture")
    run_badly(capsys, part)
    assert (
        "2 imported, 0 of a content that was there, 0 labeled anew, 2 imported before"
        in run(capsys, folder)[0]
    )


def test_each_refused_file_has_a_line_that_says_why(
    kind: ExaminationType, steward: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(folder / "benign" / "broken.png", texture_png(5)[:100])
    put(folder / "benign" / "notes.txt", b"seen by the chief")
    put(folder / "loose.png", texture_png(6))
    lines = run_badly(capsys, folder)
    refused = [line for line in lines if ": refused: " in line]
    names = {line.partition(": ")[0] for line in refused}
    assert names == {"benign/broken.png", "benign/notes.txt", "loose.png"}
    assert "3 refused" in lines[-3]
    assert DatasetItem.objects.count() == 4


def test_labels_are_mapped(
    kind: ExaminationType, steward: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = ConditionFactory.create(examination_type=kind, code="carcinoma")
    alias = ConditionFactory.create(examination_type=kind, code="benign")
    target = ConditionFactory.create(examination_type=kind, code="no-cancer")
    merge_condition(alias, into=target, by=steward, reason="the same")
    run(capsys, folder, label_map=["malignant=Carcinoma"])
    assert labels()[key_of(texture_png(2))] == {known.code: True, "no-cancer": False}


def test_a_table_gives_labels_and_patients(
    kind: ExaminationType, steward: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = PatientFactory.create(pseudonym=pseudonym("MRN 17", key=identity_key()))
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "label", "group", "site"])
        table.writerow(["benign/0.png", "benign|cyst", "MRN 17", "a"])
        table.writerow(["benign/1.png", "benign", "MRN 18", "a"])
        table.writerow(["malignant/2.png", "normal", "MRN 18", "a"])
        table.writerow(["normal/3.png", "malignant", "MRN 18", "b"])
        table.writerow(["../ultrasound.png", "benign", "MRN 17", "a"])
        table.writerow(["gone.png", "benign", "MRN 17", "a"])
        table.writerow(["benign/0.png", "", "MRN 17", "a"])
    lines = run_badly(capsys, folder / "labels.csv", where=["site=a"])
    assert lines[:3] == [
        "../ultrasound.png: refused: the path leads out of the folder of the table.",
        "gone.png: refused: there is no such file.",
        "benign/0.png: refused: the line gives no label.",
    ]
    assert labels()[key_of(texture_png(0))] == {"benign": True, "cyst": True}
    assert labels()[key_of(texture_png(2))] == {"benign": False, "cyst": False}
    groups = {item.content_key: item.group for item in DatasetItem.objects.all()}
    assert groups[key_of(texture_png(0))] == str(known.pk)
    assert groups[key_of(texture_png(1))] == groups[key_of(texture_png(2))] != str(known.pk)
    assert "MRN" not in str(list(DatasetItem.objects.values()))


def test_an_image_that_is_uploaded_later_is_the_same_patient_and_the_same_content(
    kind: ExaminationType, steward: User, reader: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "label", "group"], ["benign/0.png", "benign", "MRN 17"]])
    run(capsys, folder / "labels.csv")
    item = DatasetItem.objects.get()
    upload = intake.receive(
        texture_png(0),
        by=reader,
        source=UploadSource.COMMAND,
        examination_type=kind,
        patient_identifier="MRN 17",
    )
    assert upload.instance is not None
    assert upload.instance.content_key == item.content_key
    assert item.group == str(Patient.objects.get().pk)


def test_the_same_content_twice_is_one_item_and_two_labels_of_it_are_a_conflict(
    kind: ExaminationType, steward: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(folder / "benign" / "again.png", texture_png(1))
    put(folder / "malignant" / "other.png", texture_png(0))
    lines = run(capsys, folder)
    assert "4 imported, 2 of a content that was there" in lines[0]
    assert "1 with conflicting labels" in lines[-1]
    item = DatasetItem.objects.get(state=ItemState.CONFLICTING)
    assert item.state_reason == "Labels disagree on: benign, malignant."
    resolve_conflict(item, by=steward, labels={"benign": True, "malignant": False}, reason="Biopsy.")
    assert "6 imported before" in run(capsys, folder)[0]
    item.refresh_from_db()
    assert item.state == ItemState.ACCEPTED


def test_another_export_of_a_picture_waits(
    kind: ExaminationType, steward: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(folder / "benign" / "zz.jpg", exported_again(texture_png(0)))
    assert "1 near-duplicates wait" in run(capsys, folder)[-1]


@pytest.mark.parametrize("role", [Role.READER, Role.AUDITOR, Role.INTEGRATOR])
def test_only_stewards_and_administrators_import(
    kind: ExaminationType, folder: Path, capsys: pytest.CaptureFixture[str], role: Role
) -> None:
    UserFactory.create(email="steward@example.org", role=role)
    with pytest.raises(CommandError, match="data steward"):
        run(capsys, folder)
    assert not Condition.objects.exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"user": "nobody@example.org"}, "No active user"),
        ({"examination_type": "knee"}, "There is no such examination type. Those that exist: breast-ultra"),
        ({"label_map": ["benign"]}, "--label-map takes two names"),
    ],
)
def test_a_wrong_option_is_explained(
    kind: ExaminationType,
    steward: User,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, object],
    says: str,
) -> None:
    with pytest.raises(CommandError, match=says):
        run(capsys, folder, **options)


def test_a_table_without_its_columns_is_refused(
    kind: ExaminationType, steward: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text("path,group\na.png,1\n")
    with pytest.raises(CommandError, match="no column label"):
        run(capsys, tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes(b"path,label\n\xff\xfe,x\n")
    with pytest.raises(CommandError, match="UTF-8"):
        run(capsys, tmp_path / "t.csv")


def test_a_retired_condition_is_not_brought_back_by_an_import(
    kind: ExaminationType, steward: User, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ConditionFactory.create(examination_type=kind, code="benign", state=ConditionState.RETIRED)
    with pytest.raises(CommandError, match="benign was retired"):
        run(capsys, folder)
    assert not DatasetItem.objects.exists()


@pytest.mark.data
def test_the_one_image_of_us_breast_under_two_labels_is_found(
    kind: ExaminationType, steward: User, data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("benign/benign (433).jpg", "malignant/malignant (145).jpg", "benign/benign (124).jpg"):
        put(tmp_path / "us" / name, (data_dir / "us_breast" / name).read_bytes())
    lines = run(capsys, tmp_path / "us")
    assert "2 imported, 1 of a content that was there" in lines[0]
    item = DatasetItem.objects.get(state=ItemState.CONFLICTING)
    assert item.state_reason == "Labels disagree on: benign, malignant."
    assert item.labels.current().count() == 4


def test_an_imported_image_is_nobodys_to_see_but_the_stewards(
    kind: ExaminationType,
    steward: User,
    reader: User,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    client: Client,
) -> None:
    run(capsys, folder)
    assert not DatasetItem.objects.visible_to(reader).exists()
    assert DatasetItem.objects.visible_to(steward).count() == 4
