"""Pages of the accounts app."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.adapter import INACTIVE_STATUS_KEY
from accounts.models import UserStatus

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


@dataclass(frozen=True)
class Explanation:
    """Why an account does not open, and what to do."""

    title: "str | StrPromise"
    message: "str | StrPromise"


EXPLANATIONS = {
    UserStatus.PENDING.value: Explanation(
        _("Your registration waits for an administrator"),
        _(
            "An administrator of this site has to approve it before you can sign in. "
            "You need not register again."
        ),
    ),
    UserStatus.SUSPENDED.value: Explanation(
        _("Your account is suspended"),
        _("Ask an administrator of this site why, and to reinstate it."),
    ),
    UserStatus.DEACTIVATED.value: Explanation(
        _("Your account is closed"),
        _("It was closed for good. Ask an administrator of this site if you need access again."),
    ),
}
OTHER = Explanation(
    _("This account is not active"), _("Ask an administrator of this site if you need access.")
)


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
