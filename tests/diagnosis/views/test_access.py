"""Who gets in: nobody anonymous anywhere, no stranger to what is another's."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User, UserStatus
from diagnosis.models import Review, Study
from diagnosis.services.reviews import VerdictInput, save_draft, sign_review, start_review
from tests.diagnosis.views.conftest import Read
from tests.factories import ApiTokenFactory, ReviewFactory, UserFactory

GET_PAGES = ("worklist", "upload", "profile", "study", "study-reading", "instance-image", "finding-overlay")
POST_PAGES = (
    *("study-edit", "study-review", "review-amend", "review-discard", "analysis-retry"),
    *("token-make", "token-close"),
)
OWN = {"worklist", "upload", "profile", "token-make"}


def address(name: str, read: Read, reader: User) -> str:
    """Return the address of the page `name` about the reader's own things."""
    if name in OWN:
        return reverse(f"diagnosis:{name}")
    keys = {
        "instance-image": read.instance.pk,
        "finding-overlay": read.finding.pk,
        "analysis-retry": read.analysis.pk,
    }
    if name == "token-close":
        return reverse("diagnosis:token-close", args=[ApiTokenFactory.create(user=reader).pk])
    if name == "review-discard":
        return reverse(
            "diagnosis:review-discard", args=[ReviewFactory.create(study=read.study, reader=reader).pk]
        )
    if name == "review-amend":
        return reverse("diagnosis:review-amend", args=[signed(read, by=reader).pk])
    return reverse(f"diagnosis:{name}", args=[keys.get(name, read.study.pk)])


def signed(read: Read, *, by: User) -> Review:
    """Return a signed review of the study."""
    draft = start_review(read.study, by=by)
    return sign_review(save_draft(draft, by=by, verdicts=[VerdictInput(read.condition, "absent")]), by=by)


@pytest.mark.parametrize("name", [*GET_PAGES, *POST_PAGES])
def test_whoever_is_not_signed_in_is_sent_to_the_sign_in_page(
    client: Client, read: Read, reader: User, name: str
) -> None:
    url = address(name, read, reader)
    response = client.post(url) if name in POST_PAGES else client.get(url)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", [name for name in (*GET_PAGES, *POST_PAGES) if name not in OWN])
def test_what_belongs_to_another_reader_does_not_exist(
    client: Client, read: Read, reader: User, charlie: User, name: str
) -> None:
    url = address(name, read, reader)
    client.force_login(charlie)
    response = client.post(url, {"reason": "curious"}) if name in POST_PAGES else client.get(url)
    assert response.status_code == 404


@pytest.mark.parametrize("name", [name for name in GET_PAGES if name != "study-reading"])
def test_the_owner_gets_every_page(page: Client, read: Read, reader: User, name: str) -> None:
    assert page.get(address(name, read, reader)).status_code == 200


def test_a_reader_with_whom_the_study_is_shared_gets_it(client: Client, read: Read, charlie: User) -> None:
    read.study.readers.add(charlie)
    client.force_login(charlie)
    assert client.get(reverse("diagnosis:study", args=[read.study.pk])).status_code == 200
    assert client.get(reverse("diagnosis:instance-image", args=[read.instance.pk])).status_code == 200


def test_a_suspended_owner_is_sent_away(client: Client, read: Read, reader: User) -> None:
    client.force_login(reader)
    User.objects.filter(pk=reader.pk).update(status=UserStatus.SUSPENDED)
    response = client.get(reverse("diagnosis:study", args=[read.study.pk]))
    assert response.status_code == 302


def test_a_change_is_never_made_by_get(page: Client, read: Read, reader: User) -> None:
    for name in POST_PAGES:
        assert page.get(address(name, read, reader)).status_code == 405, name
        Review.objects.filter(state="draft").delete()


def test_an_auditor_sees_a_study_and_cannot_review_it(client: Client, read: Read) -> None:
    client.force_login(UserFactory.create(role=Role.AUDITOR))
    response = client.get(reverse("diagnosis:study", args=[read.study.pk]))
    assert response.status_code == 200
    assert "review-form" not in response.content.decode()
    sent = client.post(
        reverse("diagnosis:study-review", args=[read.study.pk]), {f"verdict-{read.condition.pk}": "absent"}
    )
    assert sent.status_code == 403
    assert not Review.objects.filter(study=Study.objects.get(pk=read.study.pk)).exists()


def test_pages_ask_not_to_be_kept_by_caches(page: Client, read: Read) -> None:
    response = page.get(reverse("diagnosis:study", args=[read.study.pk]))
    assert "no-store" in response["Cache-Control"]
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]
