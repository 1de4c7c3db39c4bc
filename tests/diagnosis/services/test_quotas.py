"""Nobody hands in more within an hour than the site can take."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Role, User
from diagnosis.models import Upload, UploadSource
from diagnosis.services.intake import receive
from diagnosis.services.quotas import UploadQuotaExceeded, require_room
from mlcore.models import ExaminationType
from tests.factories import ExaminationTypeFactory, ModelVersionFactory, UploadFactory, UserFactory
from tests.pictures import texture_png
from tests.rest_fixture import Api, api, assert_problem, own_rate_limits

__all__ = ["api", "own_rate_limits"]


@pytest.fixture(autouse=True)
def small(settings: Settings) -> None:
    settings.UPLOAD_QUOTAS = {"person": (2, 1000), "system": (3, 5000)}


@pytest.fixture
def chest(db: None) -> ExaminationType:
    return ExaminationTypeFactory.create()


def test_one_file_too_many_is_refused_until_the_oldest_is_an_hour_old(
    reader: User, chest: ExaminationType
) -> None:
    UploadFactory.create_batch(2, uploaded_by=reader, byte_count=1)
    Upload.objects.filter(pk=Upload.objects.first().pk).update(  # type: ignore[union-attr]
        received_at=timezone.now() - timedelta(minutes=50)
    )
    with pytest.raises(UploadQuotaExceeded, match="2 files within an hour") as refused:
        receive(b"x", by=reader, source=UploadSource.REST, examination_type=chest)
    assert 590 <= refused.value.retry_after <= 601
    assert Upload.objects.count() == 2
    Upload.objects.update(received_at=timezone.now() - timedelta(minutes=61))
    assert receive(b"x", by=reader, source=UploadSource.REST, examination_type=chest).state == "rejected"


def test_too_many_bytes_are_refused_and_a_single_file_never_is(reader: User) -> None:
    require_room(reader, byte_count=5000, source=UploadSource.PAGE)
    UploadFactory.create(uploaded_by=reader, byte_count=900)
    require_room(reader, byte_count=100, source=UploadSource.PAGE)
    with pytest.raises(UploadQuotaExceeded, match="within an hour"):
        require_room(reader, byte_count=101, source=UploadSource.PAGE)


def test_a_system_may_more_and_a_command_everything_and_others_count_for_themselves(
    reader: User, charlie: User
) -> None:
    system = UserFactory.create(role=Role.INTEGRATOR)
    for user in (reader, system):
        UploadFactory.create_batch(2, uploaded_by=user, byte_count=1)
    require_room(system, byte_count=1, source=UploadSource.DICOMWEB)
    require_room(charlie, byte_count=1, source=UploadSource.REST)
    require_room(reader, byte_count=1, source=UploadSource.COMMAND)
    with pytest.raises(UploadQuotaExceeded):
        require_room(reader, byte_count=1, source=UploadSource.DIMSE)


def test_rest_answers_429_with_retry_after(reader: User, api: Api) -> None:
    ModelVersionFactory.create()
    UploadFactory.create_batch(2, uploaded_by=reader, byte_count=1)
    client = api(reader)
    refused = client.generic("POST", "/api/v1/instances", texture_png(1), content_type="image/png")
    assert_problem(refused, 429, "upload_quota_exceeded")
    assert 3590 <= int(refused["Retry-After"]) <= 3601
