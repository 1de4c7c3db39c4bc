"""What users see and decide about themselves."""

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import ApiToken
from accounts.services.profile import update_profile
from accounts.services.tokens import create_token, revoke_token
from diagnosis.forms import ProfileForm, TokenForm
from diagnosis.views.common import ReaderRequest, page


@page
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: ReaderRequest) -> HttpResponseBase:
    """Show and change the user's own profile."""
    if request.method != "POST":
        return _page(request)
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    update_profile(request.user, by=request.user, **form.cleaned_data)
    messages.success(request, _("Your profile is saved."))
    return redirect("diagnosis:profile")


@page
@require_POST
def make_token(request: ReaderRequest) -> HttpResponseBase:
    """Make a token; its secret stands on this one answer and nowhere else."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, token_form=form, status=422)
    _token, secret = create_token(
        request.user,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        expires_at=timezone.now() + timedelta(days=form.cleaned_data["days"]),
        by=request.user,
    )
    return _page(request, secret=secret)


@page
@require_POST
def close_token(request: ReaderRequest, pk: UUID) -> HttpResponseBase:
    """Revoke one of the user's own tokens."""
    token = get_object_or_404(ApiToken, pk=pk, user=request.user)
    revoke_token(token, by=request.user)
    messages.success(request, _("The token is revoked."))
    return redirect("diagnosis:profile")


def _page(
    request: ReaderRequest,
    *,
    form: ProfileForm | None = None,
    token_form: TokenForm | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    user = request.user
    initial = {name: getattr(user, name) for name in ("full_name", "language", "time_zone", "blind_first")}
    context = {
        "form": form or ProfileForm(initial=initial),
        "token_form": token_form or TokenForm(),
        "tokens": user.api_tokens.all(),
        "secret": secret,
    }
    return render(request, "diagnosis/profile.html", context, status=status)
