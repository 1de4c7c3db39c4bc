"""What is logged of a typical flow: who asked for what, and nothing of any patient."""

import json
import logging

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from diagnosis.models import Instance

pytestmark = pytest.mark.data

FILE_NAME = "DOE_JANE_1955-03-02.jpeg"
PATIENT = "HOSPITAL-4711-DOE"


@pytest.fixture
def lines(monkeypatch):
    """Collect every line that reaches the site's own handler."""
    found = []
    handlers = [h for h in logging.getLogger().handlers if "ProcessorFormatter" in type(h.formatter).__name__]
    (handler,) = handlers
    monkeypatch.setattr(handler, "emit", lambda record: found.append(handler.format(record)))
    return found


def test_a_typical_flow_leaves_no_identifier_in_the_logs(client, shipped, reader, radiograph, lines):
    reader.set_password("a long enough password")
    reader.save()
    login = {"login": reader.email, "password": "a long enough password"}
    client.post(reverse("account_login"), {**login, "password": "wrong"})
    client.post(reverse("account_login"), login)
    file = SimpleUploadedFile(FILE_NAME, radiograph, content_type="image/jpeg")
    form = {"files": file, "patient_identifier": PATIENT, "examination_type": shipped.examination_type.pk}
    assert client.post(reverse("diagnosis:upload"), form).status_code == 200
    instance = Instance.objects.get()
    patient = instance.series.study.patient
    client.get(reverse("diagnosis:worklist"), {"q": patient.pseudonym})
    client.get(reverse("diagnosis:study", args=[instance.series.study_id]))
    client.get(f"/studies/{PATIENT}/")
    client.post(reverse("account_reset_password"), {"email": reader.email})
    said = "\n".join(lines)
    assert len(lines) >= 6, "the flow was logged"
    for secret in (reader.email, reader.full_name, FILE_NAME, "DOE", PATIENT, patient.pseudonym, "password"):
        assert secret not in said.replace("/accounts/password/reset/", "")


def test_every_request_has_an_id_that_is_on_its_answer_and_in_its_entry(client, reader, lines):
    client.force_login(reader)
    answer = client.get(reverse("diagnosis:worklist"), headers={"X-Request-ID": "forged"})
    entry = next(e for e in map(json.loads, lines) if e["event"] == "request_finished")
    assert entry["request_id"] == answer["X-Request-ID"] != "forged"
    assert entry["request"] == "GET /"
    assert entry["user_id"] == str(reader.pk) or entry["user_id"] == reader.pk
