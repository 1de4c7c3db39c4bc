"""Pictures are rendered from what is stored, and a lost file is said to be lost."""

import io
from pathlib import PurePosixPath

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from diagnosis.models import UploadSource
from diagnosis.selectors.images import (
    THUMBNAIL_SIDE,
    StoredFileMissing,
    display_png,
    keep_thumbnail,
    thumbnail,
)
from diagnosis.services.intake import receive
from medimaging.common.storage import delete_content, read_content
from mlcore.engine.imaging.decode import decode_image
from tests.factories import ExaminationTypeFactory, InstanceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def instance(reader):
    file = io.BytesIO()
    Image.linear_gradient("L").resize((640, 320)).save(file, "PNG")
    upload = receive(
        file.getvalue(),
        by=reader,
        source=UploadSource.PAGE,
        examination_type=ExaminationTypeFactory.create(),
    )
    for key in _thumbnails(upload.instance):  # what another test left of the same image
        delete_content(key)
    return upload.instance


def test_a_picture_keeps_its_shape_and_fits_the_side_asked_for(instance):
    assert Image.open(io.BytesIO(display_png(instance))).size == (640, 320)
    assert Image.open(io.BytesIO(display_png(instance, max_side=64))).size == (64, 32)


def test_a_thumbnail_is_rendered_once_and_then_read(instance):
    first = thumbnail(instance)
    delete_content(instance.content_key)
    assert thumbnail(instance) == first
    (key,) = _thumbnails(instance)
    delete_content(key)
    with pytest.raises(StoredFileMissing, match="restore it from a backup"):
        thumbnail(instance)


def test_a_decoded_image_is_kept_as_the_same_thumbnail(instance):
    keep_thumbnail(instance, decode_image(read_content(instance.content_key)))
    kept = _thumbnails(instance)
    assert len(kept) == 1
    assert read_content(kept[0]) == display_png(instance, max_side=THUMBNAIL_SIDE)


def test_no_thumbnail_is_kept_of_an_image_that_was_erased_meanwhile(instance):
    image = decode_image(read_content(instance.content_key))
    delete_content(instance.content_key)
    keep_thumbnail(instance, image)
    assert not _thumbnails(instance)


def test_a_file_that_is_gone_is_a_problem_with_a_code_over_rest(client, administrator):
    instance = InstanceFactory.create(content_key="instances/none.png")
    client.force_login(administrator)
    response = client.get(f"/api/v1/instances/{instance.pk}/image")
    assert (response.status_code, response.json()["code"]) == (404, "stored_file_missing")


def test_a_file_that_is_gone_is_not_found_on_the_page(client, administrator):
    instance = InstanceFactory.create(content_key="instances/none.png")
    client.force_login(administrator)
    assert client.get(f"/instances/{instance.pk}/image.png").status_code == 404


def _thumbnails(instance) -> list[str]:
    stem = PurePosixPath(instance.content_key).stem
    if not default_storage.exists("thumbnails"):
        return []
    names = default_storage.listdir("thumbnails")[1]
    return [f"thumbnails/{name}" for name in names if name.startswith(stem)]
