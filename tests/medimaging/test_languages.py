"""The second language is complete, compiled, and spoken to whoever chose it."""

import gettext
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from accounts.models import User
from tests.factories import StudyFactory

FOLDER = Path("locale/de/LC_MESSAGES")
SOURCES = ("accounts", "diagnosis", "medimaging", "mlcore", "templates")
SAFETY = {
    "Preliminary output of a model. Not for stand-alone clinical decisions. Does not rule out disease.": (
        "Vorläufige Ausgabe eines Modells. Nicht für alleinige klinische Entscheidungen. "
        "Schließt eine Erkrankung nicht aus."
    ),
    "No finding reached the operating point. This does not mean normal.": (
        "Kein Befund hat den Arbeitspunkt erreicht. Das bedeutet nicht „unauffällig“."
    ),
    "Shows where the score is sensitive. Not an outline of disease.": (
        "Zeigt, wo der Wert empfindlich ist. Kein Umriss einer Erkrankung."
    ),
}


@pytest.fixture
def tools() -> None:
    """Skip where GNU gettext is not installed."""
    if shutil.which("xgettext") is None:
        pytest.skip("xgettext is not installed; Debian's package is gettext")


def test_every_string_is_translated_and_none_is_fuzzy(tools: None, tmp_path: Path) -> None:
    for source in SOURCES:
        shutil.copytree(
            settings.BASE_DIR / source,
            tmp_path / source,
            ignore=shutil.ignore_patterns("__pycache__", "shipped"),
        )
    shutil.copytree(settings.BASE_DIR / "locale", tmp_path / "locale")
    command = [sys.executable, "-m", "django", "makemessages", "-l", "de", "--no-location", "--no-obsolete"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = tmp_path / FOLDER / "django.po"
    for wanted in ("--untranslated", "--only-fuzzy"):
        left = subprocess.run(
            ["msgattrib", wanted, "--no-wrap", str(made)], check=True, capture_output=True, text=True
        )
        missing = [
            line for line in left.stdout.splitlines() if line.startswith("msgid") and line != 'msgid ""'
        ]
        assert not missing, "translate these, as docs/languages.md says"


def test_what_is_compiled_is_what_is_written(tools: None, tmp_path: Path) -> None:
    compiled = tmp_path / "django.mo"
    subprocess.run(
        ["msgfmt", "--check", "-o", str(compiled), str(settings.BASE_DIR / FOLDER / "django.po")], check=True
    )
    assert catalogue(compiled) == catalogue(settings.BASE_DIR / FOLDER / "django.mo")


def catalogue(path: Path) -> dict[object, str]:
    with path.open("rb") as file:
        return dict(gettext.GNUTranslations(file)._catalog)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("english", "german"), SAFETY.items())
def test_the_safety_words_say_the_same(english: str, german: str) -> None:
    with translation.override("de"):
        assert translation.gettext(english) == german


def test_a_browser_that_asks_for_german_gets_it(client: Client, db: None) -> None:
    text = client.get("/accounts/login/", headers={"Accept-Language": "de-AT,de;q=0.9"}).content.decode()
    assert '<html lang="de">' in text
    assert "Anmelden" in text


def test_the_users_own_choice_goes_before_the_browsers(client: Client, reader: User) -> None:
    client.force_login(reader)
    answer = client.post(
        "/profile/", {"full_name": "Rhea Reader", "time_zone": "Europe/Berlin", "language": "de"}
    )
    assert answer.status_code == 302
    text = client.get("/", headers={"Accept-Language": "en"}).content.decode()
    assert '<html lang="de">' in text
    assert "Arbeitsliste" in text
    reader.refresh_from_db()
    assert reader.language == "de"


@pytest.mark.django_db
def test_a_refusal_and_a_rejected_file_are_said_in_the_readers_language(client: Client, reader: User) -> None:
    User.objects.filter(pk=reader.pk).update(language="de")
    client.force_login(reader)
    study = StudyFactory.create(owner=reader)
    early = client.post(f"/studies/{study.pk}/review/", {"action": "sign"}, follow=True)
    assert "Die Befundung enthält kein Urteil." in early.content.decode()
    file = SimpleUploadedFile("notes.png", b"Nothing but text. " * 20)
    kind = str(study.examination_type_id)
    rejected = client.post(
        "/upload/",
        {"files": file, "examination_type": kind},
        headers={"accept": "application/json"},
    )
    assert "Dieses Dateiformat wird hier nicht gelesen." in rejected.content.decode()
