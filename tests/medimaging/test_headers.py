"""Every page leaves the site with the same closed doors."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

PAGES = [
    *("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"),
    *("/", "/upload/", "/models/", "/profile/", "/intended-use/", "/accounts/2fa/"),
    *("/admin/", "/admin/accounts/user/", "/admin/accounts/user/add/", "/admin/diagnosis/study/"),
    *("/api/v1/docs", "/api/v1/", "/api/v1/nothing", "/nothing/", "/metrics", "/favicon.ico"),
]


def directives(answer):
    policy = answer["Content-Security-Policy"]
    return {part.split()[0]: part.split()[1:] for part in policy.split(";") if part.strip()}


@pytest.fixture(params=PAGES)
def answer(request, client, administrator):
    client.force_login(administrator)
    return client.get(request.param)


def test_no_page_runs_what_does_not_come_from_the_site(answer):
    found = directives(answer)
    assert found["default-src"] == ["'none'"]
    assert found["script-src"] == found["style-src"] == ["'self'"]
    assert found["object-src"] == found["base-uri"] == found["frame-ancestors"] == ["'none'"]
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_no_page_carries_a_script_or_style_that_the_policy_would_refuse(answer):
    if "html" not in answer.get("Content-Type", ""):
        return
    body = answer.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>\s*\S", body)
    assert not re.search(r"<style\b|\sstyle=\"|\son[a-z]+=\"|javascript:", body)


def test_every_page_is_closed_to_other_origins_and_asks_the_browser_for_nothing(answer):
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    for feature in ("camera", "microphone", "geolocation"):
        assert f"{feature}=()" in answer["Permissions-Policy"]
    assert "Access-Control-Allow-Origin" not in answer


def test_a_session_cookie_is_kept_from_scripts_and_other_sites(client, administrator):
    administrator.set_password("a long enough password")
    administrator.save()
    form = {"login": administrator.email, "password": "a long enough password"}
    cookie = client.post("/accounts/login/", form).cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]


def test_over_https_cookies_are_bound_to_the_host_and_the_browser_never_goes_back(tmp_path):
    """The settings are read once, so a process of its own reads them."""
    ask = (
        "import django; django.setup(); from django.test import Client;"
        "from django.core.management import call_command; call_command('migrate', verbosity=0);"
        "a = Client().get('/health/none', secure=False, SERVER_NAME='localhost');"
        "print(a.status_code, a['Location']);"
        "from django.conf import settings; settings.STORAGES['staticfiles']['BACKEND'] = "
        "'django.contrib.staticfiles.storage.StaticFilesStorage';"
        "b = Client().get('/accounts/login/', secure=True, SERVER_NAME='localhost');"
        "print(b['Strict-Transport-Security']); print(b.cookies['__Host-csrf'].OutputString())"
    )
    environment = {
        **os.environ,
        "MEDIMAGING_HTTPS": "1",
        "MEDIMAGING_VAR": str(tmp_path),
        "MEDIMAGING_DATABASE_URL": f"sqlite:///{tmp_path / 'https.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "medimaging.settings",
    }
    run = [sys.executable, "-W", "ignore", "-c", ask]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    redirect, hsts, cookie = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert redirect == "301 https://localhost/health/none"
    assert hsts == "max-age=31536000; includeSubDomains; preload"
    assert "Secure" in cookie
    assert "Domain" not in cookie
