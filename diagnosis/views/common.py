"""What every page shares: who asks, and how a refusal is shown."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import reswap, retarget

from accounts.models import User
from medimaging.common.errors import ApplicationError
from mlcore.engine.errors import EngineError


class ReaderRequest(HttpRequest):
    """A request whose user is signed in."""

    user: User
    htmx: bool


View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """Do what `open_page` does, for those who have acknowledged the intended use."""

    @wraps(view)
    def acknowledged(request: ReaderRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.user.intended_use_acknowledged_at is None:
            return _first_the_intended_use(request)
        return view(request, *args, **kwargs)

    return open_page(acknowledged)


def open_page(view: View) -> View:
    """Ask for a sign-in, keep the page out of shared caches, and show refusals as sentences."""

    @wraps(view)
    def answered(request: ReaderRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (ApplicationError, EngineError) as error:
            return refusal(request, error)

    return login_required(never_cache(answered))


def refusal(request: ReaderRequest, error: ApplicationError | EngineError) -> HttpResponse:
    """Show what was refused, why, and what to do; within a page where htmx asked."""
    status = int(getattr(error, "status", 422))
    if request.htmx:
        answer = render(request, "diagnosis/parts/refusal.html", {"error": error}, status=status)
        return reswap(retarget(answer, "#notices"), "innerHTML")
    back = request.path if request.method == "GET" else request.META.get("HTTP_REFERER", "")
    context = {"error": error, "back": _own_path(request, back)}
    return render(request, "diagnosis/refusal.html", context, status=status)


def _first_the_intended_use(request: ReaderRequest) -> HttpResponseBase:
    """Lead to the page that is read once; what was sent before is asked for again."""
    wanted = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    query = f"?{urlencode({'next': wanted})}" if wanted and not request.htmx else ""
    return redirect(reverse("diagnosis:intended-use") + query)


def _own_path(request: HttpRequest, address: str) -> str:
    """Return the path of an address of this site, or nothing."""
    origin = f"{request.scheme}://{request.get_host()}"
    path = address.removeprefix(origin)
    return path if path.startswith("/") and not path.startswith("//") else ""
