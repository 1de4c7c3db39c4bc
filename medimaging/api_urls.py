"""The addresses below /api/v1/."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.urls import re_path
from django.urls.resolvers import URLPattern, URLResolver
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.routers import SimpleRouter

import accounts.api.urls
import diagnosis.api.urls
import mlcore.api.urls
from accounts.api.base import Endpoint

app_name = "api"
SETS = (accounts.api.urls, diagnosis.api.urls, mlcore.api.urls)


class Router(SimpleRouter):
    """Addresses whose last slash may be left out."""

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"


router = Router()
for endpoints in SETS:
    endpoints.register(router)


class RootView(Endpoint):
    """What there is."""

    @extend_schema(responses={200: {"type": "object", "additionalProperties": {"type": "string"}}})
    def get(self, request: Request) -> Response:
        """List the addresses to begin with."""
        names = {"me": "me", "schema": "schema", "docs": "docs"}
        names |= {
            prefix: f"{basename}-list"
            for prefix, viewset, basename in router.registry
            if hasattr(viewset, "list")
        }
        return Response({key: reverse(f"api:{name}", request=request) for key, name in sorted(names.items())})


@extend_schema(exclude=True)
class UnknownView(Endpoint):
    """Every address that is not one of the others."""

    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say so, as a problem document, whoever asks and however."""
        super().initial(request, *args, **kwargs)
        raise NotFound("There is no such address. See /api/v1/ for what there is.")


docs = login_required(
    SpectacularSwaggerSplitView.as_view(url_name="api:schema", template_name="api/docs.html")
)

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^$", RootView.as_view(), name="root"),
    re_path(r"^schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^docs/?$", docs, name="docs"),
    *accounts.api.urls.urlpatterns,
    *router.urls,
    re_path(r"", UnknownView.as_view(), name="unknown"),
]
