"""What was uploaded never leaves the site as something that a browser would run."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from diagnosis.models import Instance
from tests.factories import ExaminationTypeFactory
from tests.hostile import CORPUS, SECRET

ACTIVE = [
    *("png: script in a text", "png: archive after the end", "jpeg: web page in its comment"),
    *("tiff: script in a description", "dicom: script in a comment", "dicom: program in the preamble"),
]
NAMES = [
    *(
        "../../../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "/etc/cron.d/x",
        "x.png\0.html",
        "x" * 4000 + ".png",
    ),
    *("<script>alert(1)</script>.png", "page.html", "a\r\nSet-Cookie: x=y.png", ".htaccess", "CON.png"),
]


@pytest.fixture
def uploader(client, reader):
    client.force_login(reader)
    kind = ExaminationTypeFactory.create()

    def upload(content, *, name="x.png", content_type="text/html"):
        form = {"files": SimpleUploadedFile(name, content, content_type=content_type)}
        return client.post("/upload/", {**form, "examination_type": kind.pk})

    return upload


@pytest.mark.parametrize("name", ACTIVE)
def test_active_content_in_an_image_comes_back_as_pixels_and_nothing_else(client, uploader, name):
    assert uploader(CORPUS[name].make()).status_code == 200
    instance = Instance.objects.get()
    for address in (f"/instances/{instance.pk}/image.png", f"/api/v1/instances/{instance.pk}/image"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "image/png"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert SECRET not in answer.content


def test_a_page_or_a_drawing_is_no_image_whatever_it_is_called(uploader):
    for name in ("a web page", "a drawing with a script", "a PDF document"):
        uploader(CORPUS[name].make(), name="x.png", content_type="image/png")
    assert not Instance.objects.exists()


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_file_leads_nowhere_and_is_not_kept(uploader, settings, name):
    answer = uploader(CORPUS["png: script in a text"].make(), name=name)
    assert answer.status_code == 200
    key = Instance.objects.get().content_key
    assert key.startswith("instances/")
    assert not set(name) & {"<", ">"} or b"<script>alert" not in answer.content
    assert "Set-Cookie: x" not in str(answer.headers)
