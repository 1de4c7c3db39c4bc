"""Files come in by REST, as multipart or as the body itself, and their pictures go out."""

import io
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image
from pydicom.data import get_testdata_file
from pytest_django.fixtures import Settings

from accounts.models import IdempotentRequest, Role, Scope, User
from diagnosis.models import Analysis, AnalysisState, Instance, Patient, Upload, UploadState
from mlcore.models import ExaminationType
from tests.diagnosis.api.pictures import png
from tests.factories import InstanceFactory, ModelVersionFactory, UploadFactory, UserFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

URL = "/api/v1/instances"


def send(client: Any, content: bytes, **fields: Any) -> Any:
    """Send a file the way a form does."""
    headers = {name: fields.pop(name) for name in list(fields) if name.startswith("HTTP_")}
    file = SimpleUploadedFile("../../etc/passwd.exe", content, content_type="text/html")
    return client.post(URL, {"file": file, **fields}, format="multipart", **headers)


def send_body(client: Any, content: bytes, content_type: str = "image/png", **headers: Any) -> Any:
    """Send a file as the body itself."""
    return client.generic("POST", URL, content, content_type=content_type, **headers)


def test_a_file_is_accepted_and_its_analysis_is_to_be_polled(
    api: Api, reader: User, examination_type: ExaminationType
) -> None:
    response = send(api(reader), png(), patient_identifier="4711")
    assert response.status_code == 202
    body = response.json()
    assert body["duplicate"] is False
    assert body["analysis"]["state"] == "pending"
    assert response["Location"].endswith(f"/api/v1/analyses/{body['analysis']['id']}")
    assert int(response["Retry-After"]) >= 1
    assert (body["instance"]["rows"], body["instance"]["columns"]) == (48, 64)
    assert "4711" not in str(list(Patient.objects.values()))
    assert Upload.objects.get().source == "rest"


@pytest.mark.parametrize(
    "content_type",
    [
        "image/png",
        "application/dicom",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/json",
        "text/plain; charset=utf-16",
        "nonsense",
        "",
    ],
)
def test_a_body_is_read_byte_for_byte_whatever_it_claims_to_be(
    api: Api, reader: User, examination_type: ExaminationType, content_type: str
) -> None:
    content = png()
    response = send_body(api(reader), content, content_type)
    assert response.status_code == 202, response.content
    assert Upload.objects.get().byte_count == len(content)
    # The same bytes by the other way are the same image: nothing was changed on the way in.
    assert send(api(reader), content).json()["duplicate"] is True


def test_a_body_names_its_examination_type_in_the_query(
    api: Api, reader: User, examination_type: ExaminationType
) -> None:
    ModelVersionFactory.create()
    client = api(reader)
    assert_problem(send_body(client, png()), 422, "examination_type_required")
    response = client.generic(
        "POST", f"{URL}?examination_type={examination_type.code}", png(), content_type="image/png"
    )
    assert response.status_code == 202


def test_an_unknown_examination_type_is_refused(
    api: Api, reader: User, examination_type: ExaminationType
) -> None:
    assert_problem(send(api(reader), png(), examination_type="knee"), 400, "invalid")
    assert not Upload.objects.exists()


def test_the_same_bytes_twice_are_one_instance(
    api: Api, reader: User, charlie: User, examination_type: ExaminationType
) -> None:
    first = send(api(reader), png())
    second = send(api(charlie), png())
    assert second.status_code == 200
    assert second.json()["duplicate"] is True
    assert second.json()["instance"]["id"] == first.json()["instance"]["id"]
    assert Instance.objects.count() == 1


def test_without_a_model_the_image_is_kept_and_there_is_nothing_to_wait_for(api: Api, reader: User) -> None:
    retired = ModelVersionFactory.create(state="retired").examination_type
    response = send(api(reader), png(), examination_type=retired.code)
    assert response.status_code == 201
    assert response.json()["analysis"] is None
    assert response["Location"].endswith(f"/api/v1/instances/{response.json()['instance']['id']}")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "empty_file"),
        (b"just some words", 415, "unknown_format"),
        (b"<html><script>alert(1)</script></html>", 415, "unknown_format"),
        (png()[:80], 422, "unreadable_image"),
    ],
)
@pytest.mark.parametrize("sender", [send, send_body])
def test_a_file_that_cannot_be_used_is_refused_with_what_is_wrong_and_how_to_mend_it(
    api: Api,
    reader: User,
    examination_type: ExaminationType,
    sender: Any,
    content: bytes,
    status: int,
    code: str,
) -> None:
    problem = assert_problem(sender(api(reader), content), status, code)
    assert problem["mend"].endswith(".")
    assert problem["mend"] not in problem["detail"]
    upload = Upload.objects.get(pk=problem["upload"])
    assert upload.state == UploadState.REJECTED
    assert not Instance.objects.exists()


def test_a_file_that_is_too_large_is_413_before_it_is_read(
    api: Api, reader: User, examination_type: ExaminationType, settings: Settings
) -> None:
    settings.UPLOAD_MAX_BYTES = 1024
    client = api(reader)
    assert_problem(send_body(client, bytes(3 * 2**20)), 413, "body_too_large")
    assert_problem(send_body(client, bytes(2000)), 413, "body_too_large")
    assert_problem(send(client, png() + bytes(2000)), 413, "image_too_large")
    assert not Instance.objects.exists()


def test_a_request_without_a_file_or_with_two_is_refused(
    api: Api, reader: User, examination_type: ExaminationType
) -> None:
    client = api(reader)
    assert_problem(client.post(URL, {"examination_type": "x"}, format="multipart"), 400, "invalid")
    assert_problem(client.post(URL, {"file": "text"}, format="multipart"), 400, "invalid")
    both = [SimpleUploadedFile("a", png()), SimpleUploadedFile("b", png(level=9))]
    assert_problem(client.post(URL, {"file": both}, format="multipart"), 400, "invalid")
    assert not Upload.objects.exists()


def test_a_repeated_upload_under_one_key_is_one_upload(
    api: Api, reader: User, examination_type: ExaminationType
) -> None:
    client = api(reader)
    first = send(client, png(), HTTP_IDEMPOTENCY_KEY="k1")
    second = send(client, png(), HTTP_IDEMPOTENCY_KEY="k1")
    assert second["Idempotent-Replayed"] == "true"
    assert (second.status_code, second.json()) == (202, first.json())
    assert second["Location"] == first["Location"]
    assert Upload.objects.count() == 1
    assert_problem(send(client, png(level=1), HTTP_IDEMPOTENCY_KEY="k1"), 422, "idempotency_key_reused")
    assert IdempotentRequest.objects.count() == 1


def test_outsiders_hand_nothing_in(api: Api, examination_type: ExaminationType) -> None:
    assert_outsiders_stay_out(lambda client: send_body(client, png()), api=api, scope=Scope.UPLOAD)
    assert not Upload.objects.exists()


def test_an_auditor_hands_nothing_in(api: Api, examination_type: ExaminationType) -> None:
    auditor = UserFactory.create(role=Role.AUDITOR)
    assert_problem(send(api(auditor), png()), 403, "not_allowed")
    assert not Upload.objects.exists()


def test_a_preference_that_is_none_is_ignored(
    api: Api, reader: User, examination_type: ExaminationType
) -> None:
    response = send(api(reader), png(), HTTP_PREFER="wait=soon, respond-async")
    assert response.status_code == 202
    assert "Preference-Applied" not in response


def test_waiting_ends_when_the_time_is_up(api: Api, reader: User, examination_type: ExaminationType) -> None:
    begun = time.monotonic()
    response = send(api(reader), png(), HTTP_PREFER="respond-async, wait=1")
    assert 1 <= time.monotonic() - begun < 4
    assert response.status_code == 202
    assert response["Preference-Applied"] == "wait=1"


@pytest.mark.django_db(transaction=True)
def test_waiting_ends_as_soon_as_the_analysis_is_final(
    api: Api, reader: User, examination_type: ExaminationType
) -> None:
    def withhold() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not Analysis.objects.exists():
            time.sleep(0.05)
        Analysis.objects.update(
            state=AnalysisState.WITHHELD, withheld_reason="poor_quality", withheld_message="Blurred."
        )
        connection.close()

    thread = threading.Thread(target=withhold)
    thread.start()
    begun = time.monotonic()
    response = send(api(reader), png(), HTTP_PREFER="wait=99")
    thread.join()
    assert time.monotonic() - begun < 25
    assert response.status_code == 201, response.content
    assert response["Preference-Applied"] == "wait=30"
    assert response["Location"].endswith(f"/api/v1/instances/{response.json()['instance']['id']}")
    assert response.json()["analysis"]["withheld_reason"] == "poor_quality"
    assert response.json()["analysis"]["findings"] == []


def test_instances_are_shown_to_their_owner_alone(
    api: Api, reader: User, charlie: User, examination_type: ExaminationType
) -> None:
    made = send(api(reader), png()).json()["instance"]
    owner, stranger = api(reader), api(charlie)
    assert [row["id"] for row in owner.get(URL).json()["results"]] == [made["id"]]
    assert owner.get(f"{URL}/{made['id']}").json() == made
    assert owner.get(f"{URL}?study={made['study']}&format=png").json()["results"] == [made]
    assert owner.get(f"{URL}?format=dicom").json()["results"] == []
    assert stranger.get(URL).json()["results"] == []
    assert_problem(stranger.get(f"{URL}/{made['id']}"), 404, "not_found")
    assert_problem(stranger.get(f"{URL}/{made['id']}/image"), 404, "not_found")


def test_the_picture_is_a_png_of_the_size_asked_for(
    api: Api, reader: User, examination_type: ExaminationType
) -> None:
    client = api(reader)
    address = send(client, png()).json()["instance"]["image"]
    response = client.get(address)
    assert response["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(response.content)).size == (64, 48)
    small = client.get(f"{address}?max_side=32", HTTP_ACCEPT="image/*")
    assert Image.open(io.BytesIO(small.content)).size == (32, 24)


def test_a_frame_that_is_not_there_is_a_problem_even_where_pictures_are_served(
    api: Api, reader: User, examination_type: ExaminationType
) -> None:
    client = api(reader)
    address = send(client, png()).json()["instance"]["image"]
    assert_problem(client.get(f"{address}?frame=7"), 404, "no_such_frame")
    for query in ("frame=-1", "frame=x", "max_side=1", "max_side=999999999999"):
        assert_problem(client.get(f"{address}?{query}"), 400, "invalid")
    assert_problem(client.get(address, HTTP_ACCEPT="application/json"), 406, "not_acceptable")


@pytest.mark.parametrize("path", ["", "/image"])
def test_outsiders_see_no_instance(api: Api, db: None, path: str) -> None:
    instance = InstanceFactory.create()
    assert_outsiders_stay_out(
        lambda client: client.get(f"{URL}/{instance.pk}{path}"), api=api, scope=Scope.READ
    )


def test_uploads_are_shown_to_who_sent_them(api: Api, reader: User, charlie: User) -> None:
    mine = UploadFactory.create(uploaded_by=reader)
    owner, stranger = api(reader), api(charlie)
    assert [row["id"] for row in owner.get("/api/v1/uploads?state=received").json()["results"]] == [
        str(mine.pk)
    ]
    assert owner.get(f"/api/v1/uploads/{mine.pk}").json()["byte_count"] == 100
    assert owner.get("/api/v1/uploads?state=rejected").json()["results"] == []
    assert stranger.get("/api/v1/uploads").json()["results"] == []
    assert_problem(stranger.get(f"/api/v1/uploads/{mine.pk}"), 404, "not_found")
    assert_outsiders_stay_out(
        lambda client: client.get(f"/api/v1/uploads/{mine.pk}"), api=api, scope=Scope.READ
    )


@pytest.mark.data
@pytest.mark.worker
def test_a_radiograph_is_answered_while_the_caller_waits(
    worker: Any, api: Api, reader: User, pneumonia_radiograph: bytes
) -> None:
    client = api(reader)
    response = send_body(client, pneumonia_radiograph, "image/jpeg", HTTP_PREFER="wait=20")
    assert response.status_code == 201, response.content
    analysis = response.json()["analysis"]
    assert analysis["state"] == "succeeded"
    (finding,) = analysis["findings"]
    assert finding["condition"]["code"] == "pneumonia"
    assert 0 <= finding["probability"] <= 1
    assert analysis["notice"].startswith("Preliminary output of a model.")
    overlay = client.get(finding["overlay"])
    assert Image.open(io.BytesIO(overlay.content)).mode == "RGBA"


@pytest.mark.data
@pytest.mark.worker
def test_a_dicom_radiograph_is_answered_while_the_caller_waits(worker: Any, api: Api, reader: User) -> None:
    content = Path(get_testdata_file("RG1_J2KR.dcm")).read_bytes()
    response = send_body(api(reader), content, "application/dicom", HTTP_PREFER="wait=20")
    assert response.status_code == 201, response.content
    body = response.json()
    assert (body["instance"]["format"], body["instance"]["rows"]) == ("dicom", 1955)
    analysis = body["analysis"]
    assert analysis["state"] in {"succeeded", "withheld"}
    assert bool(analysis["findings"]) == (analysis["state"] == "succeeded")
    assert bool(analysis["withheld_message"]) == (analysis["state"] == "withheld")
