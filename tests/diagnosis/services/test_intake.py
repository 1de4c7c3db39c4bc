"""Files come in clean, once, and leave nothing behind when they are refused."""

import io
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom.data import get_testdata_file

from accounts.models import AuditEntry
from diagnosis.models import Analysis, Instance, Patient, Study, Upload, UploadSource, UploadState
from diagnosis.services.intake import UnknownExaminationType, receive
from medimaging.common.storage import read_content
from tests.factories import ExaminationTypeFactory, ModelVersionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_store():
    """Rows are rolled back after each test, files are not."""
    shutil.rmtree(settings.VAR_DIR / "files" / "instances", ignore_errors=True)


@pytest.fixture
def chest_type():
    return ModelVersionFactory.create().examination_type


def stored_files() -> set[Path]:
    return {path for path in (settings.VAR_DIR / "files").rglob("*") if path.is_file()}


def png(*, level: int = 90, text: str = "") -> bytes:
    file, info = io.BytesIO(), PngInfo()
    if text:
        info.add_text("Comment", text)
    image = Image.linear_gradient("L").resize((64, 48)).point(lambda value: (value + level) % 256)
    image.save(file, "PNG", pnginfo=info)
    return file.getvalue()


def take(content: bytes, *, by, **values) -> Upload:
    return receive(content, by=by, source=UploadSource.REST, **values)


def test_an_accepted_image_is_stored_entered_audited_and_its_analysis_queued(reader, chest_type):
    upload = take(png(), by=reader, examination_type=chest_type)
    assert (upload.state, upload.duplicate) == (UploadState.ACCEPTED, False)
    instance = upload.instance
    assert (instance.rows, instance.columns, instance.bits_stored) == (48, 64, 8)
    assert Image.open(io.BytesIO(read_content(instance.content_key))).size == (64, 48)
    assert instance.analyses.get().state == "pending"
    assert AuditEntry.objects.get(action="instance.accept").target_id == str(instance.pk)


def test_the_same_bytes_twice_are_one_instance_with_one_analysis(reader, chest_type):
    first = take(png(), by=reader, examination_type=chest_type)
    second = take(png(), by=reader, examination_type=chest_type)
    assert second.duplicate is True
    assert second.instance == first.instance
    assert (Instance.objects.count(), Analysis.objects.count(), Study.objects.count()) == (1, 1, 1)


def test_the_same_pixels_under_other_comments_are_one_instance(reader, chest_type):
    take(png(text="one"), by=reader, examination_type=chest_type)
    assert take(png(text="two"), by=reader, examination_type=chest_type).duplicate is True


def test_who_hands_in_an_image_that_is_here_may_see_its_study_and_that_is_recorded(
    reader, charlie, chest_type
):
    first = take(png(), by=reader, examination_type=chest_type)
    study = first.instance.series.study
    assert not Study.objects.visible_to(charlie).exists()
    take(png(), by=charlie, examination_type=chest_type)
    assert list(Study.objects.visible_to(charlie)) == [study]
    assert AuditEntry.objects.get(action="study.share").actor == charlie


def test_text_chunks_do_not_reach_the_store(reader, chest_type):
    upload = take(png(text="Jane Roe 1970-01-01"), by=reader, examination_type=chest_type)
    assert b"Jane" not in read_content(upload.instance.content_key)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"Dear colleague, here is the image you asked for.", "unknown_format"),
        (b"%PDF-1.7 and more", "unknown_format"),
        (png()[: len(png()) // 2], "unreadable_image"),
    ],
)
def test_a_bad_file_is_rejected_with_a_sentence_and_leaves_nothing_behind(reader, chest_type, content, code):
    before = stored_files()
    upload = take(content, by=reader, examination_type=chest_type)
    assert (upload.state, upload.rejection_code) == (UploadState.REJECTED, code)
    assert len(upload.rejection) > 40
    assert not Instance.objects.exists()
    assert not Study.objects.exists()
    assert not Patient.objects.exists()
    assert stored_files() == before


def test_a_file_over_the_limit_of_bytes_is_rejected_unread(reader, chest_type, settings):
    settings.UPLOAD_MAX_BYTES = 1024
    upload = take(png() + b"x" * 2048, by=reader, examination_type=chest_type)
    assert upload.rejection_code == "image_too_large"


def test_an_image_over_the_limit_of_pixels_is_rejected_before_it_is_decoded(reader, chest_type, settings):
    settings.UPLOAD_MAX_PIXELS = 1000
    assert take(png(), by=reader, examination_type=chest_type).rejection_code == "image_too_large"


def test_the_same_patient_identifier_joins_studies_under_one_pseudonym(reader, chest_type):
    uploads = [
        take(png(level=level), by=reader, examination_type=chest_type, patient_identifier="MRN 4711")
        for level in (10, 20)
    ]
    patients = {upload.instance.series.study.patient for upload in uploads}
    assert len(patients) == 1
    assert "4711" not in patients.pop().pseudonym


def test_without_a_patient_identifier_every_image_is_of_a_patient_of_its_own(reader, chest_type):
    for level in (10, 20):
        take(png(level=level), by=reader, examination_type=chest_type)
    assert Patient.objects.count() == 2


def test_a_dicom_file_is_stored_without_identity_and_with_its_facts(reader, chest_type):
    content = Path(get_testdata_file("CT_small.dcm")).read_bytes()
    instance = take(content, by=reader, examination_type=chest_type).instance
    assert (instance.rows, instance.columns, instance.format) == (128, 128, "dicom")
    assert instance.series.modality == "CT"
    assert instance.sop_instance_uid.startswith("2.25.")
    stored = read_content(instance.content_key)
    assert b"CompressedSamples" in content
    assert b"CompressedSamples" not in stored
    assert b"1CT1" not in stored


def test_two_readers_with_files_of_one_study_uid_do_not_share_a_study(reader, charlie, chest_type):
    first = Path(get_testdata_file("CT_small.dcm")).read_bytes()
    changed = bytearray(first)
    changed[-200] ^= 1
    take(first, by=reader, examination_type=chest_type)
    take(bytes(changed), by=charlie, examination_type=chest_type)
    assert {study.owner for study in Study.objects.all()} == {reader, charlie}


def test_another_image_under_a_known_instance_uid_is_refused_and_not_kept(reader, chest_type):
    first = Path(get_testdata_file("CT_small.dcm")).read_bytes()
    changed = bytearray(first)
    changed[-200] ^= 1
    take(first, by=reader, examination_type=chest_type)
    before = stored_files()
    upload = take(bytes(changed), by=reader, examination_type=chest_type)
    assert upload.rejection_code == "conflicting_instance"
    assert stored_files() == before


def test_the_one_examination_type_with_a_model_is_taken_where_none_is_given(reader, chest_type):
    ExaminationTypeFactory.create()
    assert take(png(), by=reader).instance.series.study.examination_type == chest_type


def test_where_several_types_could_be_meant_one_must_be_given(reader, chest_type):
    ModelVersionFactory.create()
    with pytest.raises(UnknownExaminationType):
        take(png(), by=reader)
    assert not Upload.objects.exists()


def test_an_image_of_a_type_without_a_model_is_kept_without_an_analysis(reader):
    upload = take(png(), by=reader, examination_type=ExaminationTypeFactory.create())
    assert upload.state == UploadState.ACCEPTED
    assert not Analysis.objects.exists()
