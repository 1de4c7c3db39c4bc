"""Letters to users, sent once the change they tell of is committed."""

from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse

from accounts.models import User

APPROVAL = """Hello {name},

your registration at medimaging was approved. You can now log in:

{link}
"""
INVITATION = """Hello {name},

an administrator made an account for you at medimaging. Set your password here:

{link}

The link works once and expires after {days} days. After that, ask for a new one with
"Forgot your password?" on the log-in page.
"""
RESET = """Hello {name},

an administrator of medimaging asks you to set a new password; the old one no longer opens
your account. Set it here:

{link}

The link works once and expires after {days} days. After that, ask for a new one with
"Forgot your password?" on the log-in page.
"""
SECONDS_A_DAY = 24 * 3600


def send_approval(user: User) -> None:
    """Tell a user that an administrator let them in."""
    text = APPROVAL.format(name=user.full_name, link=_address("account_login"))
    _send(user, subject="Your registration was approved", text=text)


def send_invitation(user: User) -> None:
    """Send a user the link by which they set their first password."""
    _send_link(user, subject="Set your password", text=INVITATION)


def send_reset(user: User) -> None:
    """Send a user the link by which they set another password."""
    _send_link(user, subject="Set a new password", text=RESET)


def _send_link(user: User, *, subject: str, text: str) -> None:
    key = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    link = _address("account_reset_password_from_key", uidb36=user_pk_to_url_str(user), key=key)
    days = settings.PASSWORD_RESET_TIMEOUT // SECONDS_A_DAY
    _send(user, subject=subject, text=text.format(name=user.full_name, link=link, days=days))


def _send(user: User, *, subject: str, text: str) -> None:
    send_mail(f"medimaging: {subject}", text, settings.DEFAULT_FROM_EMAIL, [user.email])


def _address(name: str, **arguments: str) -> str:
    return settings.SITE_URL + reverse(name, kwargs=arguments)
