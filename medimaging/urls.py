"""The addresses of the site."""

from django.contrib import admin
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("medimaging.api_urls")),
    path("dicomweb/", include("diagnosis.dicomweb.urls")),
    path("", include("diagnosis.urls")),
]

handler400 = "medimaging.error_pages.bad_request"
