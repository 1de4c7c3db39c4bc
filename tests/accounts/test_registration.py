"""Strangers register, wait, and learn nothing about others."""

import re

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import caches
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import AuditEntry, Role, User, UserStatus
from accounts.registration import RegistrationForm
from accounts.services import users
from tests.factories import PASSWORD, UserFactory

SIGNUP = "/accounts/signup/"
LOGIN = "/accounts/login/"
CSRF_TOKEN = re.compile(r"[a-z0-9]{64}")


def register(client: Client, *, email: str, follow: bool = True, password: str = PASSWORD) -> "object":
    form = {"email": email, "full_name": "Nora New", "password1": password, "password2": password}
    return client.post(SIGNUP, form, follow=follow)


def is_logged_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def mail_server(settings: Settings) -> None:
    """Verify addresses, as the site does where it can send letters."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


def test_a_registered_user_is_a_pending_reader_and_is_told_to_wait(db: None, client: Client) -> None:
    page = register(client, email="New@Example.ORG")
    user = User.objects.get()
    assert (user.email, user.full_name) == ("new@example.org", "Nora New")
    assert (user.status, user.role) == (UserStatus.PENDING, Role.READER)
    assert "waits for an administrator" in page.content.decode()
    assert not is_logged_in(client)
    assert AuditEntry.objects.get().action == "user.register"


def test_status_and_role_cannot_be_smuggled_in(db: None, client: Client) -> None:
    form = {"email": "x@example.org", "full_name": "X", "password1": PASSWORD, "password2": PASSWORD}
    client.post(SIGNUP, {**form, "status": "active", "role": "administrator", "is_superuser": "on"})
    user = User.objects.get()
    assert (user.status, user.role) == (UserStatus.PENDING, Role.READER)


def test_a_pending_user_with_the_right_password_is_told_to_wait(db: None, client: Client) -> None:
    user = UserFactory.create(status=UserStatus.PENDING)
    page = client.post(LOGIN, {"login": user.email, "password": PASSWORD}, follow=True)
    assert "waits for an administrator" in page.content.decode()
    assert not is_logged_in(client)


@pytest.mark.parametrize(
    ("status", "words"), [(UserStatus.SUSPENDED, "is suspended"), (UserStatus.DEACTIVATED, "is closed")]
)
def test_whoever_is_shut_out_is_told_why(db: None, client: Client, status: str, words: str) -> None:
    user = UserFactory.create(status=status)
    page = client.post(LOGIN, {"login": user.email, "password": PASSWORD}, follow=True)
    assert words in page.content.decode()
    assert not is_logged_in(client)


def test_a_wrong_password_tells_nothing_about_the_account(db: None, client: Client) -> None:
    UserFactory.create(email="pending@example.org", status=UserStatus.PENDING)
    UserFactory.create(email="active@example.org")
    answers = set()
    for name in ("pending", "active", "nobody"):
        page = client.post(LOGIN, {"login": f"{name}@example.org", "password": "wrong"})
        (errors,) = page.context["form"].errors.values()
        answers.add((page.status_code, str(errors)))
    assert len(answers) == 1


@pytest.mark.parametrize("email", ["reader@example.org", "READER@example.org"])
@pytest.mark.parametrize("verification", ["none", "mandatory"])
def test_registering_a_known_address_answers_like_a_new_one(
    reader: User, settings: Settings, email: str, verification: str
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    known, new = Client(), Client()
    answers = [register(known, email=email), register(new, email="new@example.org")]
    places = [answer.redirect_chain for answer in answers]
    assert places[0] == places[1]
    assert answers[0].status_code == answers[1].status_code == 200
    first, second = (CSRF_TOKEN.sub("", answer.content.decode().lower()) for answer in answers)
    assert first.replace("reader@example.org", "new@example.org") == second
    reader.refresh_from_db()
    assert reader.check_password(PASSWORD)
    assert reader.full_name == "Rhea Reader"
    assert User.objects.count() == 2


def test_an_address_taken_between_check_and_write_answers_the_same(
    db: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = RegistrationForm.save

    def lose_the_race(form: RegistrationForm, request: object) -> User:
        UserFactory.create(email=form.cleaned_data["email"])
        user: User = save(form, request)
        return user

    monkeypatch.setattr(RegistrationForm, "save", lose_the_race)
    page = register(client, email="new@example.org")
    assert page.status_code == 200
    assert "waits for an administrator" in page.content.decode()


def test_approved_users_log_in_whatever_the_case_of_their_address(
    administrator: User, client: Client
) -> None:
    register(client, email="new@example.org")
    users.approve_user(User.objects.get(email="new@example.org"), by=administrator)
    client.post(LOGIN, {"login": "NEW@Example.org", "password": PASSWORD})
    assert is_logged_in(client)


def test_with_a_mail_server_the_address_is_proven_before_anybody_gets_in(
    mail_server: None, administrator: User, client: Client
) -> None:
    register(client, email="new@example.org")
    (letter,) = mail.outbox
    link = next(word for word in letter.body.split() if "/confirm-email/" in word)
    path = link.removeprefix("http://testserver")
    page = client.post(path, follow=True)
    assert EmailAddress.objects.get(email="new@example.org").verified
    assert not is_logged_in(client)
    page = client.post(LOGIN, {"login": "new@example.org", "password": PASSWORD}, follow=True)
    assert "waits for an administrator" in page.content.decode()


def test_the_owner_of_a_known_address_learns_that_somebody_registered_it(
    mail_server: None, reader: User, client: Client
) -> None:
    register(client, email=reader.email)
    (letter,) = mail.outbox
    assert letter.to == [reader.email]
    assert "already" in letter.body


@pytest.mark.parametrize("password", ["short", "123456789012345", "password1234", "new@example.org"])
def test_a_weak_password_is_refused(db: None, client: Client, password: str) -> None:
    page = register(client, email="new@example.org", password=password)
    assert page.context["form"].errors["password1"]
    assert not User.objects.exists()


def test_a_password_is_reset_by_the_letter(reader: User, client: Client) -> None:
    client.post("/accounts/password/reset/", {"email": "Reader@example.org"})
    (letter,) = mail.outbox
    link = next(word for word in letter.body.split() if "/password/reset/key/" in word)
    form = client.get(link.removeprefix("http://testserver"), follow=True)
    new = "another-long-passphrase"
    client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    reader.refresh_from_db()
    assert reader.check_password(new)
    assert not is_logged_in(client), "whoever reads the letter still has to log in"


def test_asking_to_reset_answers_the_same_for_known_and_unknown(reader: User, client: Client) -> None:
    answers = [
        client.post("/accounts/password/reset/", {"email": email}, follow=True)
        for email in (reader.email, "nobody@example.org")
    ]
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert len(mail.outbox) == 2


def test_a_suspended_user_gets_no_link_to_reset(administrator: User, reader: User, client: Client) -> None:
    users.suspend_user(reader, by=administrator, reason="x")
    client.post("/accounts/password/reset/", {"email": reader.email})
    assert not any("/password/reset/key/" in letter.body for letter in mail.outbox)


def test_setting_a_password_does_not_undo_a_suspension(administrator: User, reader: User) -> None:
    read_before = User.objects.get(pk=reader.pk)
    users.suspend_user(reader, by=administrator, reason="x")
    get_adapter().set_password(read_before, "another-long-passphrase")
    reader.refresh_from_db()
    assert reader.status == UserStatus.SUSPENDED
    assert reader.check_password("another-long-passphrase")


def test_guessing_a_password_is_stopped_and_the_right_one_too(reader: User, client: Client) -> None:
    for _ in range(5):
        client.post(LOGIN, {"login": reader.email, "password": "wrong"})
    page = client.post(LOGIN, {"login": reader.email, "password": PASSWORD})
    assert not is_logged_in(client)
    assert "Too many failed" in page.content.decode()


def test_limits_are_counted_across_processes(settings: Settings) -> None:
    backend = settings.CACHES["default"]["BACKEND"]
    assert backend.rsplit(".", 1)[1] in {"FileBasedCache", "RedisCache", "PyMemcacheCache"}
    assert caches["default"].add("probe", 1)
    assert caches.create_connection("default").get("probe") == 1


def test_many_registrations_from_one_address_are_slowed(db: None, client: Client, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "signup": "2/h/ip"}
    answers = [register(client, email=f"n{i}@example.org", follow=False).status_code for i in range(3)]
    assert answers == [302, 302, 429]


def test_a_made_up_forwarding_header_does_not_escape_the_limits(
    reader: User, client: Client, settings: Settings
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login_failed": "3/m/ip"}
    for i in range(3):
        client.post(
            LOGIN,
            {"login": f"{i}@example.org", "password": "x"},
            HTTP_X_FORWARDED_FOR=f"10.0.0.{i}",
        )
    page = client.post(LOGIN, {"login": reader.email, "password": PASSWORD}, HTTP_X_FORWARDED_FOR="10.0.0.9")
    assert "Too many failed" in page.content.decode()
