"""Administrators admit, stop and bring back users; nobody locks everybody out."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Role, User, UserStatus
from accounts.services import credentials, tokens, users
from medimaging.common.errors import ApplicationError, Conflict, NotAllowed
from medimaging.common.states import IllegalTransition, LostRace
from tests.factories import PASSWORD, ApiTokenFactory, UserFactory

NEED_A_REASON = [
    credentials.force_password_reset,
    credentials.revoke_tokens,
    users.reject_user,
    users.suspend_user,
    users.reinstate_user,
    users.deactivate_user,
    credentials.remove_second_factor,
]


@pytest.fixture
def pending(db: None) -> User:
    return UserFactory.create(email="new@example.org", status=UserStatus.PENDING)


def last_entry() -> AuditEntry:
    entry = AuditEntry.objects.first()
    assert entry is not None
    return entry


def test_approving_lets_a_user_in_and_records_who_did_it(administrator: User, pending: User) -> None:
    users.approve_user(pending, by=administrator, reason="known to us", role=Role.DATA_STEWARD)
    pending.refresh_from_db()
    entry = last_entry()
    assert (pending.status, pending.role) == (UserStatus.ACTIVE, Role.DATA_STEWARD)
    assert (entry.action, entry.actor, entry.target_id) == ("user.approve", administrator, str(pending.pk))
    assert entry.reason == "known to us"


def test_an_approved_user_is_told_by_email_once_it_is_committed(
    administrator: User, pending: User, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        users.approve_user(pending, by=administrator)
        assert mail.outbox == []
    (letter,) = mail.outbox
    assert letter.to == ["new@example.org"]
    assert f"http://127.0.0.1:8000{reverse('account_login')}" in letter.body


def test_a_suspended_user_is_not_approved_but_reinstated(administrator: User, reader: User) -> None:
    users.suspend_user(reader, by=administrator, reason="left the ward")
    with pytest.raises(IllegalTransition):
        users.approve_user(reader, by=administrator)
    users.reinstate_user(reader, by=administrator, reason="came back")
    reader.refresh_from_db()
    assert reader.status == UserStatus.ACTIVE


def test_a_deactivated_user_stays_closed(administrator: User, reader: User) -> None:
    users.deactivate_user(reader, by=administrator, reason="retired")
    for again in (users.reinstate_user, users.suspend_user, users.deactivate_user):
        with pytest.raises(IllegalTransition):
            again(reader, by=administrator, reason="try")


@pytest.mark.parametrize("act", NEED_A_REASON)
@pytest.mark.parametrize("reason", ["", "  \n\t "])
def test_a_reason_is_required(
    administrator: User, reader: User, act: Callable[..., User], reason: str
) -> None:
    with pytest.raises(ApplicationError) as caught:
        act(reader, by=administrator, reason=reason)
    assert caught.value.code == "reason_required"
    assert not AuditEntry.objects.exists()


def test_a_role_changes_for_a_reason_only(administrator: User, reader: User) -> None:
    with pytest.raises(ApplicationError, match="reason"):
        users.change_role(reader, role=Role.AUDITOR, by=administrator, reason=" ")
    users.change_role(reader, role=Role.AUDITOR, by=administrator, reason="moves to oversight")
    reader.refresh_from_db()
    assert reader.role == Role.AUDITOR
    assert last_entry().details["before"] == "reader"
    assert last_entry().details["after"] == "auditor"


def test_an_unknown_role_is_refused(administrator: User, reader: User) -> None:
    with pytest.raises(ApplicationError) as caught:
        users.change_role(reader, role="emperor", by=administrator, reason="why not")
    assert caught.value.code == "unknown_role"


@pytest.mark.parametrize("role", [Role.READER, Role.DATA_STEWARD, Role.AUDITOR, Role.INTEGRATOR])
def test_only_administrators_may(role: Role, administrator: User, reader: User, pending: User) -> None:
    charlie = UserFactory.create(email="charlie@example.org", role=role)
    acts: list[Callable[[], User]] = [
        lambda: users.approve_user(pending, by=charlie),
        lambda: users.suspend_user(reader, by=charlie, reason="x"),
        lambda: users.deactivate_user(reader, by=charlie, reason="x"),
        lambda: users.reinstate_user(reader, by=charlie, reason="x"),
        lambda: users.change_role(reader, role=Role.AUDITOR, by=charlie, reason="x"),
        lambda: credentials.log_out_everywhere(reader, by=charlie),
        lambda: credentials.remove_second_factor(reader, by=charlie, reason="x"),
        lambda: users.create_user(email="a@example.org", full_name="A", role=Role.READER, by=charlie),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
    assert not AuditEntry.objects.exists()


def test_a_suspended_administrator_may_do_nothing(administrator: User, reader: User) -> None:
    stale = UserFactory.create(role=Role.ADMINISTRATOR)
    User.objects.filter(pk=stale.pk).update(status=UserStatus.SUSPENDED)
    assert stale.is_superuser, "the object in memory still says so"
    with pytest.raises(NotAllowed):
        users.suspend_user(reader, by=stale, reason="x")


def test_nobody_changes_their_own_status_or_role(administrator: User, second_administrator: User) -> None:
    for act in (users.suspend_user, users.deactivate_user, credentials.remove_second_factor):
        with pytest.raises(NotAllowed):
            act(administrator, by=administrator, reason="x")
    with pytest.raises(NotAllowed):
        users.change_role(administrator, role=Role.READER, by=administrator, reason="x")


def test_the_last_administrator_cannot_be_locked_out(administrator: User) -> None:
    acts: list[Callable[[], User]] = [
        lambda: users.suspend_user(administrator, by=None, reason="x"),
        lambda: users.deactivate_user(administrator, by=None, reason="x"),
        lambda: users.change_role(administrator, role=Role.READER, by=None, reason="x"),
    ]
    for act in acts:
        with pytest.raises(Conflict) as caught:
            act()
        assert caught.value.code == "last_administrator"
    administrator.refresh_from_db()
    assert administrator.is_superuser


def test_suspending_one_of_two_administrators_works_once(
    administrator: User, second_administrator: User
) -> None:
    users.suspend_user(second_administrator, by=administrator, reason="x")
    with pytest.raises(Conflict):
        users.suspend_user(administrator, by=None, reason="x")


def test_suspending_ends_an_open_session_at_once(
    administrator: User, reader: User, log_in: Callable[..., Client]
) -> None:
    client = log_in(reader)
    page = reverse("account_reauthenticate")
    assert client.get(page).status_code == 200
    assert UserSession.objects.filter(user=reader).count() == 1
    users.suspend_user(reader, by=administrator, reason="x")
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))
    assert not UserSession.objects.filter(user=reader).exists()


def test_a_session_from_before_the_suspension_stays_closed_after_it(
    administrator: User, reader: User, client: Client
) -> None:
    client.force_login(reader)  # no row lists this session
    assert not UserSession.objects.exists()
    users.suspend_user(reader, by=administrator, reason="x")
    users.reinstate_user(reader, by=administrator, reason="y")
    answer = client.get(reverse("account_reauthenticate"))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


def test_suspending_revokes_tokens_for_good(administrator: User, reader: User) -> None:
    token = ApiTokenFactory.create(user=reader)
    assert tokens.find_token(token.secret) is not None
    users.suspend_user(reader, by=administrator, reason="x")
    assert tokens.find_token(token.secret) is None
    assert last_entry().details["tokens_revoked"] == 1
    users.reinstate_user(reader, by=administrator, reason="y")
    assert tokens.find_token(token.secret) is None


def test_users_log_themselves_out_everywhere(reader: User, log_in: Callable[..., Client]) -> None:
    clients = [log_in(reader), log_in(reader)]
    credentials.log_out_everywhere(reader, by=reader)
    assert [client.get(reverse("account_reauthenticate")).status_code for client in clients] == [302, 302]
    assert last_entry().details["sessions_ended"] == 2
    assert log_in(reader).get(reverse("account_reauthenticate")).status_code == 200


def test_a_new_role_needs_a_new_login(administrator: User, reader: User, client: Client) -> None:
    client.force_login(reader)
    users.change_role(reader, role=Role.DATA_STEWARD, by=administrator, reason="x")
    assert client.get(reverse("account_reauthenticate")).status_code == 302


def test_a_role_that_somebody_else_changed_meanwhile_is_not_overwritten(
    administrator: User, reader: User
) -> None:
    User.objects.filter(pk=reader.pk).update(role=Role.AUDITOR)
    with pytest.raises(LostRace):
        users.change_role(reader, role=Role.DATA_STEWARD, by=administrator, reason="x")


def test_a_lost_second_factor_is_removed_and_sessions_end(
    administrator: User, reader: User, client: Client
) -> None:
    Authenticator.objects.create(user=reader, type=Authenticator.Type.TOTP, data={"secret": "s"})
    client.force_login(reader)
    credentials.remove_second_factor(reader, by=administrator, reason="lost the telephone")
    assert not Authenticator.objects.exists()
    assert client.get(reverse("account_reauthenticate")).status_code == 302
    with pytest.raises(Conflict):
        credentials.remove_second_factor(reader, by=administrator, reason="again")


def test_a_user_made_by_an_administrator_sets_a_password_by_the_link_in_the_letter(
    administrator: User, client: Client, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        user = users.create_user(
            email=" New.Person@Example.ORG ", full_name="New Person", role=Role.READER, by=administrator
        )
    assert user.email == "new.person@example.org"
    assert not user.has_usable_password()
    assert EmailAddress.objects.get(user=user).verified
    (letter,) = mail.outbox
    link = next(word for word in letter.body.split() if word.startswith("http"))
    form = client.get(link.removeprefix("http://127.0.0.1:8000"), follow=True)
    password = "a-long-enough-passphrase"
    client.post(form.redirect_chain[-1][0], {"password1": password, "password2": password})
    client.post(reverse("account_login"), {"login": user.email, "password": password})
    assert client.session["_auth_user_id"] == str(user.pk)


@pytest.mark.parametrize("email", ["reader@example.org", "READER@example.org"])
def test_an_address_belongs_to_one_user(administrator: User, reader: User, email: str) -> None:
    with pytest.raises(Conflict) as caught:
        users.create_user(email=email, full_name="X", role=Role.READER, by=administrator)
    assert caught.value.code == "email_taken"


def test_the_database_refuses_an_address_in_capitals(reader: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=reader.pk).update(email="Reader@example.org")


def test_a_rejected_registration_never_opens(administrator: User, pending: User) -> None:
    users.reject_user(pending, by=administrator, reason="Unknown to us.")
    assert pending.status == UserStatus.DEACTIVATED
    assert AuditEntry.objects.get(action="user.reject").reason == "Unknown to us."
    with pytest.raises(IllegalTransition):
        users.approve_user(pending, by=administrator)


def test_only_who_waits_is_rejected(administrator: User, reader: User) -> None:
    with pytest.raises(IllegalTransition, match="active, not pending"):
        users.reject_user(reader, by=administrator, reason="x")


def test_revoked_tokens_are_useless_and_the_session_goes_on(
    administrator: User, reader: User, client: Client
) -> None:
    client.force_login(reader)
    secret = ApiTokenFactory.create(user=reader).secret  # type: ignore[attr-defined]
    assert credentials.revoke_tokens(reader, by=administrator, reason="leaked") == 1
    assert tokens.find_token(secret) is None
    assert client.get(reverse("diagnosis:profile")).status_code == 200
    with pytest.raises(Conflict, match="no token"):
        credentials.revoke_tokens(reader, by=administrator, reason="again")


def test_a_forced_reset_ends_everything_and_sends_a_link(
    administrator: User, reader: User, client: Client, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    client.force_login(reader)
    with django_capture_on_commit_callbacks(execute=True):
        credentials.force_password_reset(reader, by=administrator, reason="leaked")
    assert client.get(reverse("diagnosis:worklist")).status_code == 302
    assert not client.login(email=reader.email, password=PASSWORD)
    (letter,) = mail.outbox
    link = next(word for word in letter.body.split() if word.startswith("http"))
    page = client.get(link.split("://", 1)[1].split("/", 1)[1].join(["/", ""]), follow=True)
    chosen = {"password1": "a quite new passphrase 7", "password2": "a quite new passphrase 7"}
    client.post(page.redirect_chain[-1][0], chosen)
    reader.refresh_from_db()
    assert reader.check_password("a quite new passphrase 7")


def test_nobody_forces_their_own_password_or_that_of_somebody_who_is_not_active(
    administrator: User, pending: User
) -> None:
    with pytest.raises(NotAllowed):
        credentials.force_password_reset(administrator, by=administrator, reason="x")
    with pytest.raises(Conflict, match="only an active one"):
        credentials.force_password_reset(pending, by=administrator, reason="x")
