"""Programs claim studies as the pages do: nobody reads beside a colleague without knowing it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Role, Scope, User
from diagnosis.models import Claim, Study
from diagnosis.services.claims import claim_study
from tests.factories import StudyFactory, UserFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

NOBODY = {"reader": None, "claimed_at": None, "expires_at": None, "is_mine": False}


@pytest.fixture
def study(reader: User, charlie: User) -> Study:
    """Return a study that both readers may read."""
    study = StudyFactory.create(owner=reader)
    study.readers.add(charlie)
    return study


@pytest.fixture
def url(study: Study) -> str:
    return f"/api/v1/studies/{study.pk}/claim"


def test_a_study_is_claimed_renewed_and_released(api: Api, reader: User, url: str) -> None:
    client = api(reader)
    free = client.get(url)
    assert (free.json(), free["ETag"]) == (NOBODY, '"0"')
    claimed = client.put(url)
    assert claimed.status_code == 200, claimed.content
    assert claimed.json()["is_mine"] is True
    assert claimed.json()["reader"] == {"id": str(reader.pk), "full_name": "Rhea Reader"}
    Claim.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
    renewed = client.put(url)
    assert renewed["ETag"] == claimed["ETag"] == client.get(url)["ETag"]
    assert Claim.objects.get().expires_at > timezone.now() + timedelta(minutes=5)
    assert client.delete(url).status_code == 204
    assert client.get(url).json() == NOBODY


def test_a_colleagues_claim_is_a_conflict_that_names_them(
    api: Api, reader: User, charlie: User, study: Study, url: str
) -> None:
    claim_study(study, by=reader)
    client = api(charlie)
    body = assert_problem(client.put(url), 409, "study_claimed")
    assert "Rhea Reader" in body["detail"]
    assert client.get(url).json()["is_mine"] is False
    assert client.delete(url).status_code == 204
    assert Claim.objects.get().reader == reader, "a colleague's claim is not the caller's to release"


def test_who_names_the_claim_they_saw_takes_it_over(
    api: Api, reader: User, charlie: User, study: Study, url: str
) -> None:
    claim_study(study, by=reader)
    client = api(charlie)
    taken = client.put(url, HTTP_IF_MATCH=client.get(url)["ETag"])
    assert taken.status_code == 200, taken.content
    assert taken.json()["is_mine"] is True
    assert AuditEntry.objects.get(action="study.take_over").details == {"from": str(reader.pk)}
    assert_problem(api(reader).put(url), 409, "study_claimed")


def test_a_claim_that_is_no_longer_the_one_they_saw_is_not_taken_over(
    api: Api, reader: User, charlie: User, study: Study, url: str
) -> None:
    client = api(charlie)
    free = client.get(url)["ETag"]
    claim_study(study, by=reader)
    assert_problem(client.put(url, HTTP_IF_MATCH=free), 412, "stale_version")
    seen = client.get(url)["ETag"]
    Claim.objects.all().delete()
    assert_problem(client.put(url, HTTP_IF_MATCH=seen), 412, "stale_version")
    assert not Claim.objects.exists()


def test_a_claim_that_ran_out_binds_nobody(
    api: Api, reader: User, charlie: User, study: Study, url: str
) -> None:
    claim_study(study, by=reader)
    Claim.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client = api(charlie)
    assert client.get(url).json() == NOBODY
    assert client.put(url).json()["is_mine"] is True


def test_to_a_stranger_the_study_does_not_exist(api: Api, study: Study, url: str) -> None:
    client = api(UserFactory.create())
    for answer in (client.get(url), client.put(url), client.delete(url)):
        assert_problem(answer, 404, "not_found")
    assert not Claim.objects.exists()


def test_only_who_reads_studies_claims_them(api: Api, url: str) -> None:
    auditor = api(UserFactory.create(role=Role.AUDITOR))
    assert auditor.get(url).json() == NOBODY
    assert_problem(auditor.put(url), 403, "not_allowed")


def test_a_claim_needs_the_scope_of_reviews(api: Api, url: str) -> None:
    assert_outsiders_stay_out(lambda client: client.put(url), api=api, scope=Scope.REVIEW)
