"""Staff without a second factor, and times in the zone of whoever looks."""

from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, hotp_value, yield_hotp_counters_from_time
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.middleware import NEEDS_MFA, TimeZoneMiddleware
from accounts.models import User, UserStatus
from accounts.services import users
from tests.factories import PASSWORD

LOGIN = "/accounts/login/"


def code(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(hotp_value(secret, counter)).zfill(6)


def test_staff_without_a_second_factor_are_sent_to_set_one_up(
    administrator: User, client: Client, settings: Settings
) -> None:
    settings.STAFF_MFA = True
    client.force_login(administrator)
    for page in (reverse("admin:index"), "/"):
        answer = client.get(page)
        assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_activate_totp"))
    assert NEEDS_MFA in [str(message) for message in get_messages(answer.wsgi_request)]


def test_setting_up_and_logging_out_stay_open(
    administrator: User, settings: Settings, log_in: Callable[..., Client]
) -> None:
    settings.STAFF_MFA = True
    client = log_in(administrator)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert client.get(reverse("mfa_activate_totp")).status_code == 200
    assert client.get(reverse("account_logout")).status_code == 200


def test_staff_with_a_second_factor_pass(administrator: User, client: Client, settings: Settings) -> None:
    settings.STAFF_MFA = True
    TOTP.activate(administrator, "JBSWY3DPEHPK3PXP")
    client.force_login(administrator)
    assert client.get(reverse("admin:index")).status_code == 200


def test_readers_and_sites_that_do_not_ask_for_it_pass(
    reader: User, administrator: User, client: Client, settings: Settings
) -> None:
    client.force_login(administrator)
    assert client.get(reverse("admin:index")).status_code == 200
    settings.STAFF_MFA = True
    client.force_login(reader)
    assert client.get(reverse("account_reauthenticate")).status_code == 200


def test_a_second_factor_is_set_up_and_then_asked_for(reader: User, log_in: Callable[..., Client]) -> None:
    client = log_in(reader)
    assert client.get(reverse("mfa_activate_totp")).status_code == 302, "the password is asked again"
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    kinds = set(Authenticator.objects.filter(user=reader).values_list("type", flat=True))
    assert kinds == {"totp", "recovery_codes"}
    other = Client()
    answer = other.post(LOGIN, {"login": reader.email, "password": PASSWORD})
    assert answer["Location"] == reverse("mfa_authenticate")
    assert "_auth_user_id" not in other.session
    recovery = Authenticator.objects.get(user=reader, type="recovery_codes").wrap().get_unused_codes()[0]
    other.post(reverse("mfa_authenticate"), {"code": recovery})
    assert other.session["_auth_user_id"] == str(reader.pk)


def test_whoever_is_suspended_between_password_and_code_does_not_get_in(
    reader: User, administrator: User, client: Client
) -> None:
    TOTP.activate(reader, "JBSWY3DPEHPK3PXP")
    client.post(LOGIN, {"login": reader.email, "password": PASSWORD})
    users.suspend_user(reader, by=administrator, reason="x")
    page = client.post(reverse("mfa_authenticate"), {"code": code("JBSWY3DPEHPK3PXP")}, follow=True)
    assert "_auth_user_id" not in client.session
    assert "is suspended" in page.content.decode()
    assert User.objects.get(pk=reader.pk).status == UserStatus.SUSPENDED


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Europe/Berlin", "Europe/Berlin"), ("Nowhere/Land", "UTC"), ("../../etc/passwd", "UTC")],
)
def test_times_are_shown_in_the_users_zone_and_a_wrong_name_breaks_nothing(
    rf: object, reader: User, name: str, shown: str
) -> None:
    reader.time_zone = name
    request = rf.get("/")
    request.user = reader
    seen = []
    TimeZoneMiddleware(lambda request: seen.append(timezone.get_current_timezone_name()))(request)
    assert seen == [shown]
