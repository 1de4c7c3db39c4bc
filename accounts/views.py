"""Pages of the accounts app."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.adapter import INACTIVE_STATUS_KEY
from accounts.models import UserStatus


@dataclass(frozen=True)
class Explanation:
    """Why an account does not open, and what to do."""

    title: str
    message: str


EXPLANATIONS = {
    UserStatus.PENDING.value: Explanation(
        "Your registration waits for an administrator",
        "An administrator will look at your registration. You can log in once it is approved; "
        "you will be told by email where this site can send any.",
    ),
    UserStatus.SUSPENDED.value: Explanation(
        "Your account is suspended",
        "An administrator suspended this account. Ask them if you think this is a mistake.",
    ),
    UserStatus.DEACTIVATED.value: Explanation(
        "Your account is closed",
        "This account was closed for good. Ask an administrator if you need access again.",
    ),
}
OTHER = Explanation("This account is not active", "Ask an administrator if you need access.")


@require_safe
@never_cache
def account_inactive(request: HttpRequest) -> HttpResponse:
    """Say why somebody who registered, or gave the right password, is not let in."""
    status = request.session.get(INACTIVE_STATUS_KEY, "")
    explanation = EXPLANATIONS.get(status, OTHER)
    return render(
        request,
        "account/account_inactive.html",
        {"account_status": status, "title": explanation.title, "message": explanation.message},
    )
