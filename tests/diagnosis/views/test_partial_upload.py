"""Uploads in parts, as any client of the tus protocol sends them."""

import shutil
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Role, User
from diagnosis.expiry import expire_partial_uploads
from diagnosis.models import PartialUpload, Upload
from diagnosis.services.partial_uploads import MOST_OPEN
from mlcore.models import ExaminationType
from tests.diagnosis.views.conftest import picture
from tests.factories import ModelVersionFactory

BEGIN = "/upload/parts/"
PART = "application/offset+octet-stream"


@pytest.fixture
def limits(request: pytest.FixtureRequest) -> Settings:
    """Return the settings as a test may change them."""
    changeable: Settings = request.getfixturevalue("settings")
    return changeable


@pytest.fixture(autouse=True)
def no_parts() -> None:
    """Rows are rolled back after each test, files are not."""
    shutil.rmtree(settings.VAR_DIR / "files" / "parts", ignore_errors=True)


@pytest.fixture(autouse=True)
def examination_type(db: None) -> ExaminationType:
    """Return the only examination type that has an active model."""
    return ModelVersionFactory.create().examination_type


def begin(client: Client, length: int) -> Any:
    return client.post(BEGIN, headers={"Upload-Length": str(length), "Tus-Resumable": "1.0.0"})


def send(client: Client, address: str, content: bytes, *, offset: int) -> Any:
    return client.patch(address, content, content_type=PART, headers={"Upload-Offset": str(offset)})


def arrived(client: Client, address: str) -> int:
    response = client.head(address)
    assert "no-store" in response["Cache-Control"]
    return int(response["Upload-Offset"])


def stored_parts() -> list[str]:
    kept = []
    if default_storage.exists("parts"):
        for folder in default_storage.listdir("parts")[0]:
            kept += default_storage.listdir(f"parts/{folder}")[1]
    return kept


def test_a_file_arrives_in_parts_and_gets_its_verdict(page: Client, reader: User) -> None:
    content = picture()
    begun = begin(page, len(content))
    assert (begun.status_code, begun["Tus-Resumable"]) == (201, "1.0.0")
    address = begun["Location"]
    first = send(page, address, content[:100], offset=0)
    assert (first.status_code, first["Upload-Offset"]) == (204, "100")
    assert arrived(page, address) == 100
    assert send(page, address, content[100:], offset=100).status_code == 204
    verdict = page.post(f"{address}finish/").json()
    assert verdict["verdict"] == "accepted"
    assert Upload.objects.get().byte_count == len(content)
    assert stored_parts() == []


def test_asking_again_returns_the_same_verdict(page: Client) -> None:
    content = picture()
    address = begin(page, len(content))["Location"]
    send(page, address, content, offset=0)
    verdicts = [page.post(f"{address}finish/").json() for _ in range(2)]
    assert verdicts[0] == verdicts[1]
    assert Upload.objects.count() == 1
    assert send(page, address, b"x", offset=0).status_code == 409


def test_a_part_that_does_not_follow_is_refused_and_nothing_is_kept_of_it(page: Client) -> None:
    address = begin(page, 10)["Location"]
    send(page, address, b"abc", offset=0)
    for offset in (0, 2, 4):
        assert send(page, address, b"d", offset=offset).status_code == 409
    assert send(page, address, b"x" * 8, offset=3).status_code == 413
    assert send(page, address, b"d", offset="x").status_code == 415  # type: ignore[arg-type]
    assert arrived(page, address) == 3
    assert len(stored_parts()) == 1


def test_an_unfinished_file_has_no_verdict(page: Client) -> None:
    address = begin(page, 10)["Location"]
    refused = page.post(f"{address}finish/")
    assert refused.status_code == 409
    assert "Parts of the file are missing." in refused.json()["message"]


def test_a_file_that_is_no_image_is_rejected_with_its_mend(page: Client) -> None:
    address = begin(page, 4)["Location"]
    send(page, address, b"note", offset=0)
    answer = page.post(f"{address}finish/")
    assert answer.status_code == 422
    assert "Send the image file itself." in answer.json()["message"]


def test_nobody_else_has_any_business_with_half_a_file(
    client: Client, reader: User, charlie: User, administrator: User
) -> None:
    client.force_login(reader)
    address = begin(client, 3)["Location"]
    send(client, address, b"ab", offset=0)
    for other in (charlie, administrator):
        client.force_login(other)
        assert client.head(address).status_code == 404
        assert send(client, address, b"c", offset=2).status_code == 404
        assert client.delete(address).status_code == 404
        assert client.post(f"{address}finish/").status_code == 404
    client.logout()
    assert client.head(address).status_code == 302
    assert PartialUpload.objects.get().received_count == 2


def test_an_auditor_brings_nothing_in(page: Client, reader: User) -> None:
    User.objects.filter(pk=reader.pk).update(role=Role.AUDITOR)
    assert begin(page, 3).status_code == 403


def test_what_is_too_large_is_refused_before_a_byte_is_sent(page: Client, limits: Settings) -> None:
    limits.UPLOAD_MAX_BYTES = 2 * 2**20
    refused = begin(page, 2 * 2**20 + 1)
    assert refused.status_code == 413
    assert "larger than the 2 MB" in refused.content.decode()
    assert begin(page, 10**20).status_code == 400


def test_a_part_that_is_too_large_is_told_how_large_it_may_be(page: Client, limits: Settings) -> None:
    limits.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    address = begin(page, 100)["Location"]
    refused = send(page, address, b"x" * 11, offset=0)
    assert (refused.status_code, refused.content) == (413, b"Send parts of at most 10 bytes.")


def test_there_is_a_quota_of_what_is_begun_and_not_finished(page: Client, limits: Settings) -> None:
    limits.UPLOAD_OPEN_MAX_BYTES = 100
    address = begin(page, 60)["Location"]
    assert begin(page, 60).status_code == 413
    assert page.delete(address).status_code == 204
    assert begin(page, 60).status_code == 201


def test_there_is_a_quota_of_files_too_so_that_empty_ones_fill_no_table(page: Client, reader: User) -> None:
    PartialUpload.objects.bulk_create(
        PartialUpload(uploaded_by=reader, byte_count=0) for _ in range(MOST_OPEN)
    )
    assert begin(page, 0).status_code == 413
    PartialUpload.objects.filter(uploaded_by=reader).first().delete()  # type: ignore[union-attr]
    assert begin(page, 0).status_code == 201


def test_what_was_left_unfinished_is_removed_after_its_time(page: Client, limits: Settings) -> None:
    addresses = [begin(page, 3)["Location"] for _ in range(2)]
    for address in addresses:
        send(page, address, b"ab", offset=0)
    old = timezone.now() - timedelta(seconds=limits.UPLOAD_PART_SECONDS + 1)
    PartialUpload.objects.filter(pk=addresses[0].split("/")[-2]).update(last_part_at=old)
    assert expire_partial_uploads() == 1
    assert page.head(addresses[0]).status_code == 404
    assert arrived(page, addresses[1]) == 2
    assert len(stored_parts()) == 1


def test_the_elements_say_what_becomes_of_each(page: Client) -> None:
    elements = page.get("/upload/elements.json").json()
    assert elements["x00100010"] == ["Patient's Name", "replaced"]
    assert elements["x00100030"] == ["Patient's Birth Date", "removed"]
    assert elements["x00280010"] == ["Rows", "kept"]
    assert elements["x00200010"] == ["Study ID", "removed"]
