"""The administration pages of users: facts to look at, actions that ask for a reason."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import ApiToken, AuditEntry, Role, User, UserStatus
from accounts.services import tokens
from tests.factories import ApiTokenFactory, UserFactory

LIST = "/admin/accounts/user/"
SignIn = Callable[[User], Client]


def act(client: Client, name: str, *rows: User | ApiToken, address: str = LIST, **answers: str) -> Any:
    """Choose an action in the list for `rows`; with a reason, confirm it."""
    form = {"action": name, "_selected_action": [str(row.pk) for row in rows], **answers}
    return client.post(address, form, follow=True)


def confirm(client: Client, name: str, *rows: User | ApiToken, address: str = LIST, **answers: str) -> Any:
    return act(client, name, *rows, address=address, confirm="yes", **answers)


def messages(page: Any) -> str:
    return " ".join(str(message) for message in page.context["messages"])


def test_an_action_first_says_what_will_happen_and_to_whom(
    administrator: User, reader: User, signed_in: SignIn
) -> None:
    page = act(signed_in(administrator), "suspend", reader)
    text = page.content.decode()
    assert "Their open sessions end at once" in text
    assert "Rhea Reader (reader@example.org)" in text
    assert 'name="reason"' in text
    reader.refresh_from_db()
    assert reader.status == UserStatus.ACTIVE


def test_a_confirmed_action_with_a_reason_is_done(
    administrator: User, reader: User, signed_in: SignIn
) -> None:
    page = confirm(signed_in(administrator), "suspend", reader, reason="left")
    reader.refresh_from_db()
    assert reader.status == UserStatus.SUSPENDED
    assert AuditEntry.objects.get(action="user.suspend").reason == "left"
    assert "Suspend: done for 1 of 1." in messages(page)


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_the_page_asks_again(
    administrator: User, reader: User, signed_in: SignIn, reason: str
) -> None:
    page = confirm(signed_in(administrator), "suspend", reader, reason=reason)
    assert "This field is required." in page.content.decode()
    reader.refresh_from_db()
    assert reader.status == UserStatus.ACTIVE


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        (UserStatus.PENDING, "approve", UserStatus.ACTIVE),
        (UserStatus.PENDING, "reject", UserStatus.DEACTIVATED),
        (UserStatus.ACTIVE, "suspend", UserStatus.SUSPENDED),
        (UserStatus.SUSPENDED, "reinstate", UserStatus.ACTIVE),
        (UserStatus.PENDING, "deactivate", UserStatus.DEACTIVATED),
    ],
)
def test_each_action_moves_the_status(
    administrator: User, signed_in: SignIn, before: str, name: str, after: str
) -> None:
    user = UserFactory.create(status=before)
    confirm(signed_in(administrator), name, user, reason="why", role=Role.READER)
    user.refresh_from_db()
    assert user.status == after


def test_approving_gives_the_chosen_role(administrator: User, signed_in: SignIn) -> None:
    user = UserFactory.create(status=UserStatus.PENDING)
    confirm(signed_in(administrator), "approve", user, reason="ok", role=Role.AUDITOR)
    user.refresh_from_db()
    assert (user.status, user.role) == (UserStatus.ACTIVE, Role.AUDITOR)


def test_a_refusal_for_one_row_is_said_and_does_not_undo_the_others(
    administrator: User, reader: User, signed_in: SignIn
) -> None:
    page = confirm(signed_in(administrator), "suspend", reader, administrator, reason="x")
    said = messages(page)
    assert "Ada Administrator: Nobody changes their own status" in said
    assert "done for 1 of 2" in said
    administrator.refresh_from_db()
    reader.refresh_from_db()
    assert (administrator.status, reader.status) == (UserStatus.ACTIVE, UserStatus.SUSPENDED)


def test_too_many_rows_at_once_are_refused(
    administrator: User, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.admin_actions.MAX_ROWS", 2)
    users = UserFactory.create_batch(3)
    page = confirm(signed_in(administrator), "suspend", *users, reason="x")
    assert "Choose at most 2 at once; nothing was changed." in messages(page)
    assert not User.objects.filter(status=UserStatus.SUSPENDED).exists()


def test_the_page_of_a_user_has_a_button_for_what_applies(
    administrator: User, reader: User, signed_in: SignIn
) -> None:
    client = signed_in(administrator)
    text = client.get(f"{LIST}{reader.pk}/change/").content.decode()
    assert f"{LIST}{reader.pk}/act/suspend/" in text
    assert f"{LIST}{reader.pk}/act/approve/" not in text
    assert 'name="_save"' not in text
    address = f"{LIST}{reader.pk}/act/suspend/"
    assert "Suspend" in client.get(address).content.decode()
    reader.refresh_from_db()
    assert reader.status == UserStatus.ACTIVE, "looking at the page does nothing"
    client.post(address, {"confirm": "yes", "reason": "left"})
    reader.refresh_from_db()
    assert reader.status == UserStatus.SUSPENDED


def test_an_unknown_action_or_row_does_not_exist(
    administrator: User, reader: User, signed_in: SignIn
) -> None:
    client = signed_in(administrator)
    assert client.get(f"{LIST}{reader.pk}/act/delete_selected/").status_code == 404
    assert client.get(f"{LIST}nonsense/act/suspend/").status_code == 404


def test_no_field_of_a_user_can_be_posted(administrator: User, reader: User, signed_in: SignIn) -> None:
    client = signed_in(administrator)
    form = {"email": "x@example.org", "status": "deactivated", "role": "administrator", "full_name": "X"}
    assert client.post(f"{LIST}{reader.pk}/change/", form).status_code == 403
    reader.refresh_from_db()
    assert (reader.email, reader.role) == ("reader@example.org", Role.READER)
    assert "<select" not in client.get(f"{LIST}{reader.pk}/change/").content.decode()


def test_nobody_is_deleted(administrator: User, reader: User, signed_in: SignIn) -> None:
    client = signed_in(administrator)
    assert client.post(f"{LIST}{reader.pk}/delete/", {"post": "yes"}).status_code == 403
    act(client, "delete_selected", reader, post="yes")
    assert User.objects.filter(pk=reader.pk).exists()


def test_the_password_hash_is_shown_nowhere(administrator: User, reader: User, signed_in: SignIn) -> None:
    text = signed_in(administrator).get(f"{LIST}{reader.pk}/change/").content.decode()
    assert reader.password not in text
    for spoken_of in ("password_change", "change password", "force_password_reset", "force a new password"):
        text = text.lower().replace(spoken_of, "")
    assert "password" not in text


@pytest.mark.parametrize(("query", "found"), [("Rhea", 1), ("reader@", 1), ("nobody", 0), ("", 3)])
def test_users_are_found_by_name_and_address(
    administrator: User, reader: User, charlie: User, signed_in: SignIn, query: str, found: int
) -> None:
    page = signed_in(administrator).get(LIST, {"q": query})
    assert page.context["cl"].result_count == found


def test_the_list_counts_usable_tokens_and_costs_the_same_for_many(
    administrator: User, reader: User, signed_in: SignIn
) -> None:
    ApiTokenFactory.create_batch(2, user=reader)
    tokens.revoke_token(ApiTokenFactory.create(user=reader), by=reader)
    Authenticator.objects.create(user=reader, type="totp", data={})
    client = signed_in(administrator)
    with CaptureQueriesContext(connection) as few:
        page = client.get(LIST)
    row = next(user for user in page.context["cl"].result_list if user.pk == reader.pk)
    assert (row.token_count, row.has_second_factor) == (2, True)
    UserFactory.create_batch(20)
    with CaptureQueriesContext(connection) as many:
        client.get(LIST)
    assert len(many) == len(few)


def test_an_administrator_makes_a_user_who_gets_a_link(
    administrator: User, signed_in: SignIn, django_capture_on_commit_callbacks: Any
) -> None:
    form = {"email": "Made@Example.org", "full_name": "Made Up", "role": Role.INTEGRATOR, "reason": "PACS"}
    with django_capture_on_commit_callbacks(execute=True):
        answer = signed_in(administrator).post(f"{LIST}add/", form)
    assert answer.status_code == 302
    user = User.objects.get(email="made@example.org")
    assert (user.status, user.role) == (UserStatus.ACTIVE, Role.INTEGRATOR)
    assert not user.has_usable_password()
    assert AuditEntry.objects.get(action="user.create").actor == administrator
    assert "/password/reset/key/" in mail.outbox[0].body


def test_an_address_that_is_taken_is_refused_in_the_form(
    administrator: User, reader: User, signed_in: SignIn
) -> None:
    form = {"email": "READER@example.org", "full_name": "X", "role": Role.READER}
    page = signed_in(administrator).post(f"{LIST}add/", form)
    assert "already exists" in page.content.decode()


def test_an_auditor_sees_all_and_changes_nothing(auditor: User, reader: User, signed_in: SignIn) -> None:
    client = signed_in(auditor)
    assert "reader@example.org" in client.get(LIST).content.decode()
    text = client.get(f"{LIST}{reader.pk}/change/").content.decode()
    assert "/act/" not in text
    assert client.get(f"{LIST}{reader.pk}/act/suspend/").status_code == 404
    assert client.get(f"{LIST}add/").status_code == 403
    confirm(client, "suspend", reader, reason="x")
    reader.refresh_from_db()
    assert reader.status == UserStatus.ACTIVE


def test_a_data_steward_sees_no_users(reader: User, signed_in: SignIn) -> None:
    steward = UserFactory.create(role=Role.DATA_STEWARD)
    assert signed_in(steward).get(LIST).status_code == 403


@pytest.mark.parametrize("role", [Role.READER, Role.INTEGRATOR])
def test_charlie_never_gets_in(charlie: User, reader: User, signed_in: SignIn, role: str) -> None:
    User.objects.filter(pk=charlie.pk).update(role=role)
    client = signed_in(charlie)
    for address in ("", "accounts/user/", f"accounts/user/{reader.pk}/change/", "accounts/auditentry/"):
        assert client.get(f"/admin/{address}", follow=True).status_code == 403
    confirm(client, "suspend", reader, reason="x")
    reader.refresh_from_db()
    assert reader.status == UserStatus.ACTIVE


def test_a_stranger_is_sent_to_the_sites_own_login(db: None, client: Client) -> None:
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))
    answer = client.post("/admin/login/", {"username": "x@example.org", "password": "y"})
    assert answer["Location"].startswith(reverse("account_login"))


def test_a_token_is_revoked_for_a_reason_and_shows_no_secret(
    administrator: User, reader: User, signed_in: SignIn
) -> None:
    token = ApiTokenFactory.create(user=reader)
    client = signed_in(administrator)
    text = client.get(f"/admin/accounts/apitoken/{token.pk}/change/").content.decode()
    assert token.token_hash not in text
    assert token.secret not in text
    confirm(client, "revoke", token, address="/admin/accounts/apitoken/", reason="leaked")
    assert tokens.find_token(token.secret) is None
    assert AuditEntry.objects.get(action="token.revoke").reason == "leaked"


def test_staff_change_their_password_where_everybody_does(administrator: User, signed_in: SignIn) -> None:
    answer = signed_in(administrator).get("/admin/password_change/")
    assert answer["Location"] == reverse("account_change_password")


def test_tokens_are_revoked_and_a_new_password_is_forced_from_the_list(
    administrator: User, reader: User, signed_in: SignIn
) -> None:
    ApiTokenFactory.create(user=reader)
    client = signed_in(administrator)
    assert "Revoke tokens: done for 1 of 1." in messages(confirm(client, "revoke_tokens", reader, reason="x"))
    assert not ApiToken.objects.usable().exists()
    page = confirm(client, "force_password_reset", reader, reason="leaked")
    assert "Force a new password: done for 1 of 1." in messages(page)
    reader.refresh_from_db()
    assert not reader.has_usable_password()
