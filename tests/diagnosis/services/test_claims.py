"""Two readers do not sign one study without knowing of each other."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Role, User
from diagnosis.models import Claim, Review, ReviewState
from diagnosis.services.claims import claim_study, take_over
from diagnosis.services.reviews import (
    SignedMeanwhile,
    VerdictInput,
    save_draft,
    sign_review,
    start_review,
)
from medimaging.common.errors import NotAllowed
from tests.diagnosis.views.conftest import Read, answered_study
from tests.factories import ApiTokenFactory, UserFactory


@pytest.fixture
def read(reader: User, charlie: User) -> Read:
    """Return a study that both readers may read."""
    shared = answered_study(reader)
    shared.study.readers.add(charlie)
    return shared


def draft(read: Read, by: User) -> Review:
    return save_draft(
        start_review(read.study, by=by), by=by, verdicts=[VerdictInput(read.condition, "absent")]
    )


def test_the_first_reader_claims_and_the_second_is_told(read: Read, reader: User, charlie: User) -> None:
    assert claim_study(read.study, by=reader).reader == reader
    assert claim_study(read.study, by=charlie).reader == reader


def test_a_claim_is_renewed_by_its_reader_and_ends_by_itself(read: Read, reader: User, charlie: User) -> None:
    claim_study(read.study, by=reader)
    Claim.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
    assert claim_study(read.study, by=reader).expires_at > timezone.now() + timedelta(minutes=5)
    Claim.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert claim_study(read.study, by=charlie).reader == charlie


def test_taking_over_is_recorded_with_whom_it_was_taken_from(read: Read, reader: User, charlie: User) -> None:
    claim_study(read.study, by=reader)
    take_over(read.study, by=charlie)
    assert claim_study(read.study, by=reader).reader == charlie
    assert AuditEntry.objects.get(action="study.take_over").details == {"from": str(reader.pk)}


def test_a_stranger_and_an_auditor_claim_nothing(read: Read) -> None:
    for user in (UserFactory.create(), UserFactory.create(role=Role.AUDITOR)):
        with pytest.raises(NotAllowed):
            claim_study(read.study, by=user)
    assert not Claim.objects.exists()


def test_signing_ends_the_readers_claim(read: Read, reader: User) -> None:
    claim_study(read.study, by=reader)
    sign_review(draft(read, reader), by=reader)
    assert not Claim.objects.exists()


def test_nobody_signs_beside_a_signature_they_were_not_shown(read: Read, reader: User, charlie: User) -> None:
    theirs = draft(read, charlie)
    sign_review(draft(read, reader), by=reader)
    theirs.refresh_from_db()
    with pytest.raises(SignedMeanwhile, match="Rhea Reader signed this study"):
        sign_review(theirs, by=charlie, others_seen=0)
    assert sign_review(theirs, by=charlie, others_seen=1).state == ReviewState.SIGNED


def test_the_page_refuses_a_signature_from_before_anothers(
    client: Client, read: Read, reader: User, charlie: User
) -> None:
    client.force_login(charlie)
    address = f"/studies/{read.study.pk}/"
    assert 'name="others_seen" value="0"' in client.get(address).content.decode()
    sign_review(draft(read, reader), by=reader)
    form = {f"verdict-{read.condition.pk}": "present", "action": "sign", "others_seen": "0"}
    answer = client.post(f"{address}review/", form, headers={"referer": f"http://testserver{address}"})
    assert answer.status_code == 412
    text = answer.content.decode()
    assert "Rhea Reader signed this study while you were reading it." in text
    assert f'href="{address}"' in text
    assert not Review.objects.filter(reader=charlie, state=ReviewState.SIGNED).exists()
    revision = Review.objects.get(reader=charlie).revision
    client.post(f"{address}review/", form | {"others_seen": "1", "revision": revision})
    assert Review.objects.filter(reader=charlie, state=ReviewState.SIGNED).exists()


def test_rest_answers_412_once_another_has_signed(
    client: Client, read: Read, reader: User, charlie: User
) -> None:
    theirs = draft(read, charlie)
    token = ApiTokenFactory.create(user=charlie).secret  # type: ignore[attr-defined]
    headers = {"Authorization": f"Bearer {token}"}
    address = f"/api/v1/reviews/{theirs.pk}"
    etag = client.get(address, headers=headers)["ETag"]
    sign_review(draft(read, reader), by=reader)
    refused = client.post(f"{address}/sign", headers=headers | {"If-Match": etag})
    assert refused.status_code == 412
    fresh = client.get(address, headers=headers)["ETag"]
    assert client.post(f"{address}/sign", headers=headers | {"If-Match": fresh}).status_code == 200


def test_the_page_says_who_reads_and_lets_another_take_over(
    client: Client, read: Read, reader: User, charlie: User
) -> None:
    claim_study(read.study, by=reader)
    client.force_login(charlie)
    address = f"/studies/{read.study.pk}/"
    assert "Rhea Reader has been reading this study since" in client.get(address).content.decode()
    client.post(f"{address}claim/take/")
    client.force_login(reader)
    told = client.post(f"{address}claim/", {"mine": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert "Charlie Stranger has taken the reading of this study over." in told
    assert "Charlie Stranger is reading it" in client.get("/").content.decode()


@pytest.mark.parametrize("path", ["claim/", "claim/take/"])
def test_a_strangers_claim_finds_no_study(client: Client, read: Read, path: str) -> None:
    client.force_login(UserFactory.create())
    assert client.post(f"/studies/{read.study.pk}/{path}").status_code == 404
