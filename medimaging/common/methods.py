"""Which methods pages answer to."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

PAGE_METHODS = ("GET", "HEAD", "POST", "OPTIONS")
View = TypeVar("View", bound=Callable[..., Any])


def answers_to(*methods: str) -> Callable[[View], View]:
    """Mark a view that speaks a protocol of its own, and so other methods than a page."""

    def mark(view: View) -> View:
        setattr(view, "methods_answered", methods)  # noqa: B010 - functions have no such attribute to mypy
        return view

    return mark


class PageMethodsMiddleware:
    """Refuse what no page is asked with; views of the REST framework say themselves what they offer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Refuse another method before the view sees it."""
        answered = getattr(view, "methods_answered", PAGE_METHODS)
        if request.method in answered or hasattr(view, "cls"):
            return None
        return HttpResponseNotAllowed(answered)
