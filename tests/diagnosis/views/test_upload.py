"""The upload page: one verdict a file, with and without JavaScript."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from diagnosis.models import Instance, Study, Upload
from mlcore.models import ExaminationType
from tests.diagnosis.views.conftest import picture
from tests.factories import ExaminationTypeFactory, ModelVersionFactory

URL = "/upload/"
JSON = {"Accept": "application/json"}


@pytest.fixture
def examination_type(db: None) -> ExaminationType:
    """Return the only examination type that has an active model."""
    return ModelVersionFactory.create().examination_type


def file(content: bytes, name: str = "image.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_the_page_says_what_is_removed_before_anything_is_sent(page: Client) -> None:
    text = page.get(URL).content.decode()
    assert "What is removed before anything is stored" in text
    assert "stored only as a pseudonym" in text


def test_the_only_type_that_has_a_model_is_chosen_already(
    page: Client, examination_type: ExaminationType
) -> None:
    assert f'value="{examination_type.pk}" selected' in page.get(URL).content.decode()
    ModelVersionFactory.create()
    assert " selected>Choose the examination type" in page.get(URL).content.decode()


def test_an_accepted_file_names_its_study(page: Client, reader: User, examination_type: object) -> None:
    response = page.post(URL, {"files": file(picture())}, headers=JSON)
    study = Study.objects.get(owner=reader)
    assert response.status_code == 200
    assert response.json()["verdict"] == "accepted"
    assert response.json()["study_url"] == reverse("diagnosis:study", args=[study.pk])


def test_the_same_file_again_is_a_duplicate_of_the_same_study(page: Client, examination_type: object) -> None:
    first = page.post(URL, {"files": file(picture())}, headers=JSON).json()
    again = page.post(URL, {"files": file(picture(), "other-name.png")}, headers=JSON).json()
    assert again["verdict"] == "duplicate"
    assert again["study_url"] == first["study_url"]
    assert Instance.objects.count() == 1


def test_a_bad_file_is_rejected_with_its_reason_and_its_mend(page: Client, examination_type: object) -> None:
    response = page.post(URL, {"files": file(b"hello", "letter.dcm")}, headers=JSON)
    assert response.status_code == 422
    answer = response.json()
    assert answer["verdict"] == "rejected"
    assert "Send the image file itself." in answer["message"]
    assert "letter" not in answer["message"]
    assert not Instance.objects.exists()


def test_an_empty_file_is_rejected(page: Client, examination_type: object) -> None:
    empty = BytesIO(b"")
    empty.name = "nothing.png"
    response = page.post(URL, {"files": empty}, headers=JSON)
    assert response.status_code == 422
    assert "empty" in response.json()["message"]


def test_a_request_without_a_file_is_told_so(page: Client, examination_type: object) -> None:
    assert page.post(URL, {}, headers=JSON).status_code == 400
    assert "No file was chosen" in page.post(URL, {}).content.decode()


def test_the_plain_form_takes_many_files_and_judges_each(page: Client, examination_type: object) -> None:
    files = [file(picture(seed=1), "a.png"), file(b"nonsense", "b.png"), file(picture(seed=2), "c.png")]
    response = page.post(URL, {"files": files})
    assert [verdict["verdict"] for verdict in response.context["verdicts"]] == [
        *("accepted", "rejected", "accepted")
    ]
    text = response.content.decode()
    assert text.count("Open study</a>") == 2
    assert Upload.objects.count() == 3


def test_images_with_one_patient_identifier_are_of_one_patient(
    page: Client, reader: User, examination_type: object
) -> None:
    for seed in (1, 2):
        page.post(URL, {"files": file(picture(seed=seed)), "patient_identifier": "MRN-1"}, headers=JSON)
    patients = set(Study.objects.filter(owner=reader).values_list("patient__pseudonym", flat=True))
    assert len(patients) == 1
    assert "MRN-1" not in patients.pop()


def test_where_the_examination_type_is_not_obvious_it_is_asked_for(
    page: Client, examination_type: object
) -> None:
    other = ModelVersionFactory.create(examination_type=ExaminationTypeFactory.create()).examination_type
    response = page.post(URL, {"files": file(picture())}, headers=JSON)
    assert response.status_code == 422
    assert "Choose one of the examination types" in response.json()["message"]
    assert (
        "Choose one of the examination types" in page.post(URL, {"files": file(picture())}).content.decode()
    )
    chosen = page.post(URL, {"files": file(picture()), "examination_type": other.pk}, headers=JSON)
    assert chosen.json()["verdict"] == "accepted"
    assert Study.objects.get().examination_type == other


def test_a_form_that_is_not_valid_takes_no_file(page: Client, examination_type: object) -> None:
    response = page.post(URL, {"files": file(picture()), "patient_identifier": "x" * 65}, headers=JSON)
    assert response.status_code == 422
    assert not Upload.objects.exists()


def test_an_upload_without_the_forms_token_is_refused(reader: User, examination_type: object) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(reader)
    response = client.post(URL, {"files": file(picture())}, headers=JSON)
    assert response.status_code == 403
    assert "open for too long" in response.content.decode()
