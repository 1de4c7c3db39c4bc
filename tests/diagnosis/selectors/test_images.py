"""Pictures are rendered from what is stored, and a lost file is said to be lost."""

import io

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from diagnosis.models import UploadSource
from diagnosis.selectors.images import StoredFileMissing, display_png, thumbnail
from diagnosis.services.intake import receive
from medimaging.common.storage import delete_content
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
    return upload.instance


def test_a_picture_keeps_its_shape_and_fits_the_side_asked_for(instance):
    assert Image.open(io.BytesIO(display_png(instance))).size == (640, 320)
    assert Image.open(io.BytesIO(display_png(instance, max_side=64))).size == (64, 32)


def test_a_thumbnail_is_rendered_once_and_then_read(instance):
    first = thumbnail(instance)
    delete_content(instance.content_key)
    assert thumbnail(instance) == first
    (name,) = [n for n in default_storage.listdir("thumbnails")[1] if n.startswith(_stem(instance))]
    default_storage.delete(f"thumbnails/{name}")
    with pytest.raises(StoredFileMissing, match="restore it from a backup"):
        thumbnail(instance)


def test_a_file_that_is_gone_is_a_problem_with_a_code_over_rest(client, administrator):
    instance = InstanceFactory.create(content_key="instances/none.png")
    client.force_login(administrator)
    response = client.get(f"/api/v1/instances/{instance.pk}/image")
    assert (response.status_code, response.json()["code"]) == (404, "stored_file_missing")


def test_a_file_that_is_gone_is_not_found_on_the_page(client, administrator):
    instance = InstanceFactory.create(content_key="instances/none.png")
    client.force_login(administrator)
    assert client.get(f"/instances/{instance.pk}/image.png").status_code == 404


def _stem(instance) -> str:
    return instance.content_key.rpartition("/")[2].partition(".")[0]
