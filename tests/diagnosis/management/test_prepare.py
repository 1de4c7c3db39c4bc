"""One command leaves a site that can be served, and a second run of it changes nothing."""

from io import StringIO
from pathlib import Path

from django.core.management import call_command
from pytest_django.fixtures import Settings

from accounts.models import AuditEntry, User
from mlcore.models import ModelState, ModelVersion


def prepare() -> str:
    out = StringIO()
    call_command("prepare", stdout=out)
    return out.getvalue()


def test_a_prepared_site_has_users_a_model_and_static_files(
    db: None, settings: Settings, tmp_path: Path
) -> None:
    settings.STATIC_ROOT = tmp_path / "static"
    said = prepare()
    assert "admin@medimaging.local" in said
    assert ModelVersion.objects.get().state == ModelState.ACTIVE
    assert list((tmp_path / "static" / "css").iterdir())
    users, entries = set(User.objects.values_list("email", "password")), AuditEntry.objects.count()
    again = prepare()
    assert "The first users exist already." in again
    assert set(User.objects.values_list("email", "password")) == users
    assert AuditEntry.objects.count() == entries
