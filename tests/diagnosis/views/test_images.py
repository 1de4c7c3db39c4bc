"""Pictures: what they are, how they may be kept, and to whom they are shown."""

from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import User
from diagnosis.services.reviews import VerdictInput, save_draft, sign_review, start_review
from medimaging.common.storage import delete_content
from tests.diagnosis.views.conftest import Read


def image_url(read: Read) -> str:
    return reverse("diagnosis:instance-image", args=[read.instance.pk])


def overlay_url(read: Read) -> str:
    return reverse("diagnosis:finding-overlay", args=[read.finding.pk])


def test_an_image_is_a_png_in_its_own_size(page: Client, read: Read) -> None:
    response = page.get(image_url(read))
    assert response["Content-Type"] == "image/png"
    assert Image.open(BytesIO(response.content)).size == (120, 90)


def test_a_picture_is_inert_and_private(page: Client, read: Read) -> None:
    for url in (image_url(read), overlay_url(read)):
        response = page.get(url)
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert response["Cache-Control"] == "private, no-cache"


def test_a_thumbnail_is_small_and_keeps_its_shape(page: Client, read: Read) -> None:
    response = page.get(image_url(read), {"max_side": "60"})
    assert Image.open(BytesIO(response.content)).size == (60, 45)


def test_an_image_the_browser_has_is_not_sent_again(page: Client, read: Read) -> None:
    first = page.get(image_url(read))
    again = page.get(image_url(read), headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    other = page.get(image_url(read), {"max_side": "60"}, headers={"If-None-Match": first["ETag"]})
    assert other.status_code == 200


def test_a_stranger_is_not_even_told_that_the_image_is_unchanged(
    client: Client, read: Read, reader: User, charlie: User
) -> None:
    client.force_login(reader)
    etag = client.get(image_url(read))["ETag"]
    client.force_login(charlie)
    assert client.get(image_url(read), headers={"If-None-Match": etag}).status_code == 404


@pytest.mark.parametrize("frame", ["1", "-1", "x", "9999999"])
def test_a_frame_that_is_not_there_is_not_found(page: Client, read: Read, frame: str) -> None:
    assert page.get(image_url(read), {"frame": frame}).status_code == 404


def test_an_overlay_is_transparent_where_nothing_matters(page: Client, read: Read) -> None:
    overlay = Image.open(BytesIO(page.get(overlay_url(read)).content))
    assert overlay.mode == "RGBA"
    assert overlay.size == (120, 90)
    assert overlay.getpixel((0, 0))[3] == 0
    assert overlay.getpixel((119, 89))[3] > 200


def test_a_blind_reader_gets_the_overlay_only_after_the_first_read(
    page: Client, reader: User, read: Read
) -> None:
    User.objects.filter(pk=reader.pk).update(blind_first=True)
    reader.refresh_from_db()
    assert page.get(overlay_url(read)).status_code == 404
    assert page.get(image_url(read)).status_code == 200
    draft = start_review(read.study, by=reader)
    save_draft(draft, by=reader, verdicts=[VerdictInput(read.condition, "absent")])
    assert page.get(overlay_url(read)).status_code == 404
    sign_review(draft, by=reader)
    assert page.get(overlay_url(read)).status_code == 200


def test_an_image_whose_file_is_gone_is_not_found(page: Client, read: Read) -> None:
    delete_content(read.instance.content_key)
    assert page.get(image_url(read)).status_code == 404
