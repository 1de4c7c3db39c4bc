"""STOW-RS stores byte for byte what is sent, and says of each instance what became of it."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.uid import SecondaryCaptureImageStorage
from pytest_django.fixtures import Settings

from accounts.models import AuditEntry, Role, Scope, User
from diagnosis.models import Instance, Study, Upload, UploadSource
from diagnosis.services.cleaning import content_digest, stored_uid
from mlcore.models import ExaminationType
from tests.diagnosis.dicomweb.conftest import TYPE, changed, multipart, said, send
from tests.factories import ModelVersionFactory, UserFactory
from tests.mlcore.engine.imaging.samples import dicom, gradient, picture
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

CT, MR = dicom("CT_small.dcm"), dicom("MR_small.dcm")
HOLLOW = b"\0" * 128 + b"DICM" + b"\0" * 20


def test_what_is_stored_is_named_with_its_new_uids_and_the_ones_it_came_in_with(
    api: Api, reader: User
) -> None:
    response = send(api(reader), CT, MR)
    assert response.status_code == 200, response.content
    answer = said(response)
    assert "FailedSOPSequence" not in answer
    first = answer.ReferencedSOPSequence[0]
    instance = Instance.objects.get(sop_instance_uid=first.ReferencedSOPInstanceUID)
    assert first.RetrieveURL.endswith(f"/instances/{instance.sop_instance_uid}")
    assert api(reader).get(first.RetrieveURL).status_code == 200
    assert first.WarningReason == 0xB000
    original = first.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].SOPInstanceUID
    assert stored_uid(original) == instance.sop_instance_uid
    assert len(answer.ReferencedSOPSequence) == 2
    assert set(Upload.objects.values_list("source", flat=True)) == {UploadSource.DICOMWEB}
    assert AuditEntry.objects.filter(action="instance.accept", actor=reader).count() == 2


def test_pixels_that_end_in_white_space_or_hold_the_boundary_arrive_as_they_were_sent(
    api: Api, reader: User
) -> None:
    traps = (b"\r\n--b0x", b"\r\n--b0--x", b"--b0\r\n", b"\r\n\r\n", b" \r\n", b"\r\n\t \r\n\r\n")
    for number, trap in enumerate(traps):
        pixels = np.frombuffer(dcmread(DicomBytesIO(MR)).PixelData, np.uint8).copy()
        pixels[: len(trap)] = pixels[-len(trap) :] = np.frombuffer(trap, np.uint8)
        content = changed("MR_small.dcm", PixelData=pixels.tobytes(), SOPInstanceUID=f"1.2.{number}")
        assert content.endswith(trap)
        assert send(api(reader), content).status_code == 200, trap
        assert Upload.objects.filter(digest=content_digest(content)).exists()


def test_each_instance_that_is_not_stored_says_why(api: Api, reader: User) -> None:
    conflicting = changed("CT_small.dcm", WindowCenter=17)
    response = send(api(reader), CT, conflicting, CT[:1000], picture(gradient()), HOLLOW)
    assert response.status_code == 202
    answer = said(response)
    assert len(answer.ReferencedSOPSequence) == 1
    named = {item.FailureReason: item for item in answer.FailedSOPSequence}
    assert named[0x0111].ErrorComment.startswith("Another image is already stored")
    reasons = [item.FailureReason for item in answer.OtherFailuresSequence]
    assert reasons.count(0xC000) >= 2
    assert all(0 < len(item.ErrorComment) <= 64 for item in answer.OtherFailuresSequence)


def test_the_failure_names_the_instance_as_it_was_sent(api: Api, reader: User) -> None:
    content = changed("MR_small.dcm", BitsStored=40)
    answer = said(send(api(reader), content))
    (item,) = answer.FailedSOPSequence
    assert item.ReferencedSOPInstanceUID == "1.3.6.1.4.1.5962.1.1.4.1.1.20040826185059.5457"
    assert item.FailureReason in (0xC000, 0x0122)


def test_a_transfer_syntax_or_a_kind_of_object_that_is_not_read_has_its_own_reason(
    api: Api, reader: User
) -> None:
    response = send(api(reader), dicom("reportsi.dcm"))
    assert response.status_code == 409
    assert said(response).FailedSOPSequence[0].FailureReason == 0x0122


def test_the_same_instance_twice_is_stored_once_and_named_twice(api: Api, reader: User) -> None:
    answer = said(send(api(reader), CT, CT))
    uids = {item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence}
    assert len(uids) == 1
    assert Instance.objects.count() == 1


def test_a_study_takes_its_own_instances_alone(api: Api, reader: User) -> None:
    client = api(reader)
    original = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
    assert send(client, CT, path=f"/studies/{original}").status_code == 200
    assert send(client, CT, path=f"/studies/{Study.objects.get().study_instance_uid}").status_code == 200
    other = send(client, MR, path=f"/studies/{original}")
    assert other.status_code == 409
    assert said(other).FailedSOPSequence[0].FailureReason == 0xA901
    assert Instance.objects.count() == 1


def test_a_body_that_breaks_off_keeps_what_was_whole(api: Api, reader: User) -> None:
    whole = multipart(CT, MR)
    response = send(api(reader), body=whole[:-100])
    assert response.status_code == 202
    assert said(response).OtherFailuresSequence[0].ErrorComment.startswith("The body ends before")
    assert Instance.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"nothing of the kind", TYPE, 400, "invalid_multipart"),
        (b"--b0--", TYPE, 400, "invalid_multipart"),
        (b"--b0\r\nA: " + b"x" * 20_000, TYPE, 400, "invalid_multipart"),
        (multipart(CT)[:-50], TYPE, 400, "invalid_multipart"),
        (multipart(CT), TYPE.rpartition(";")[0], 400, "invalid_multipart"),
        (multipart(CT), TYPE.replace("b0", "b" * 201), 400, "invalid_multipart"),
        (multipart(CT), "application/dicom", 415, "unsupported_media_type"),
        (multipart(CT), TYPE.replace("dicom", "dicom+json"), 415, "unsupported_media_type"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_whole(
    api: Api, reader: User, body: bytes, content_type: str, status: int, code: str
) -> None:
    assert_problem(send(api(reader), body=body, content_type=content_type), status, code)
    assert not Instance.objects.exists()


def test_limits_are_held_while_the_body_streams_in(api: Api, reader: User, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 20_000
    response = send(api(reader), CT, MR)
    assert response.status_code == 202
    assert said(response).OtherFailuresSequence[0].FailureReason == 0xA700
    settings.DICOMWEB_MAX_INSTANCES = 1
    settings.UPLOAD_MAX_BYTES = 100_000
    assert said(send(api(reader), CT, MR)).OtherFailuresSequence[0].FailureReason == 0xC000
    settings.DICOMWEB_MAX_BYTES = 10_000
    assert_problem(send(api(reader), CT), 413, "body_too_large")


def test_no_file_is_left_behind(
    api: Api, reader: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("diagnosis.dicomweb.multipart.SPOOL_BYTES", 1000)
    send(api(reader), CT, MR)
    send(api(reader), body=multipart(CT, MR)[:-100])
    assert os.listdir(tmp_path) == []


def test_the_type_of_examination_may_be_named(
    api: Api, reader: User, examination_type: ExaminationType
) -> None:
    other = ModelVersionFactory.create().examination_type
    assert_problem(send(api(reader), CT), 422, "examination_type_required")
    assert_problem(send(api(reader), CT, path="/studies?examination_type=none"), 400, "invalid_query")
    assert send(api(reader), CT, path=f"/studies?examination_type={other.code}").status_code == 200
    assert Study.objects.get().examination_type == other


def test_outsiders_stay_out(api: Api) -> None:
    assert_outsiders_stay_out(lambda client: send(client, CT), api=api, scope=Scope.UPLOAD)
    assert_problem(send(api(UserFactory.create(role=Role.AUDITOR)), CT), 403, "not_allowed")
    assert not Instance.objects.exists()


def test_a_picture_is_presented_as_a_secondary_capture(
    api: Api, reader: User, stored: Callable[..., Instance]
) -> None:
    instance = stored("picture")
    rows = api(reader).get(f"/dicomweb/instances?SOPClassUID={SecondaryCaptureImageStorage}").json()
    assert [row["00080018"]["Value"][0] for row in rows] == [instance.sop_instance_uid]
