"""A frame's stored values: what is sent, how it may be kept, and to whom."""

import json
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from numpy.typing import NDArray
from PIL import Image

from accounts.models import User
from diagnosis.models import Instance
from medimaging.common.storage import delete_content, store_content
from tests.diagnosis.views.conftest import Read, picture
from tests.factories import InstanceFactory
from tests.hostile.dicoms import changed
from tests.mlcore.engine.imaging.samples import dicom


def address(instance: Instance, frame: int = 0) -> str:
    return reverse("diagnosis:frame-values", args=[instance.pk, frame])


def opened(content: bytes) -> tuple[dict[str, Any], NDArray[Any]]:
    """Read the answer as the browser does."""
    length = int.from_bytes(content[:4], "little")
    facts = json.loads(content[4 : 4 + length])
    assert (4 + length) % 8 == 0
    values = np.frombuffer(content[4 + length :], dtype=np.dtype(facts["type"]).newbyteorder("<"))
    shape = (facts["rows"], facts["columns"], 3)[: 2 if facts["samples"] == 1 else 3]
    return facts, values.reshape(shape)


def stored(content: bytes, *, owner: User, extension: str = "dcm", **values: Any) -> Instance:
    return InstanceFactory.create(
        series__study__owner=owner,
        content_key=store_content(content, kind="instances", extension=extension),
        byte_count=len(content),
        **values,
    )


def test_the_values_are_those_of_the_file(page: Client, read: Read) -> None:
    facts, values = opened(page.get(address(read.instance)).content)
    assert np.array_equal(values, np.asarray(Image.open(BytesIO(picture()))))
    assert (facts["bits"], facts["slope"], facts["spacing"], facts["table"]) == (8, 1.0, None, None)


def test_sixteen_bits_arrive_as_sixteen_bits_with_what_makes_them_visible(page: Client, reader: User) -> None:
    instance = stored(dicom("CT_small.dcm"), owner=reader, series__modality="CT")
    facts, values = opened(page.get(address(instance)).content)
    assert (values.dtype, int(values.min()), int(values.max())) == (np.int16, 128, 2191)
    assert (facts["slope"], facts["intercept"], facts["hounsfield"]) == (1.0, -1024.0, True)
    assert facts["spacing"] == [0.661468, 0.661468]
    assert facts["spacing_source"] == "PixelSpacing"


def test_every_window_of_the_file_is_named(page: Client, reader: User) -> None:
    content = changed("CT_small.dcm", WindowCenter=[40, -600, 7], WindowWidth=[400, 1500, 0])
    facts, _ = opened(page.get(address(stored(content, owner=reader))).content)
    assert [(one["center"], one["width"]) for one in facts["windows"]] == [(40, 400), (-600, 1500)]
    assert facts["window"] == facts["windows"][0]


@pytest.mark.parametrize(
    ("pixel", "imager", "spacing", "source"),
    [
        ([0.2, 0.1], None, [0.2, 0.1], "PixelSpacing"),
        (None, [0.15, 0.15], [0.15, 0.15], "ImagerPixelSpacing"),
        ([0.1, 0.1], [0.15, 0.15], [0.1, 0.1], "PixelSpacing"),
        ([0.15, 0.15], [0.15, 0.15], [0.15, 0.15], "ImagerPixelSpacing"),
        ([0, 0.1], None, None, ""),
    ],
)
def test_it_says_where_a_millimeter_was_measured(
    page: Client, reader: User, pixel: Any, imager: Any, spacing: Any, source: str
) -> None:
    values = {"PixelSpacing": pixel} | ({"ImagerPixelSpacing": imager} if imager else {})
    content = changed("CT_small.dcm", **values)
    facts, _ = opened(page.get(address(stored(content, owner=reader))).content)
    assert (facts["spacing"], facts["spacing_source"]) == (spacing, source)


def test_a_table_of_the_file_travels_with_the_values(page: Client, reader: User) -> None:
    facts, _ = opened(page.get(address(stored(dicom("vlut_04.dcm"), owner=reader))).content)
    table = facts["table"]
    assert table["bits"] >= 8
    assert len(table["entries"]) > 1


def test_color_comes_as_three_bytes_a_pixel(page: Client, reader: User) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, size=(6, 5, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    instance = stored(file.getvalue(), owner=reader, extension="png")
    facts, values = opened(page.get(address(instance)).content)
    assert facts["samples"] == 3
    assert np.array_equal(values, pixels)


def test_each_frame_has_its_own_address(page: Client, reader: User) -> None:
    instance = stored(dicom("emri_small.dcm"), owner=reader, frame_count=10)
    frames = [opened(page.get(address(instance, number)).content) for number in (0, 9)]
    assert [facts["frame"] for facts, _ in frames] == [0, 9]
    assert not np.array_equal(frames[0][1], frames[1][1])
    assert page.get(address(instance, 10)).status_code == 404


def test_the_values_are_inert_and_kept_by_this_browser_alone(page: Client, read: Read) -> None:
    response = page.get(address(read.instance))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["Cache-Control"] == "private, max-age=900, immutable"
    assert "Cookie" in response["Vary"]
    again = page.get(address(read.instance), headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_stranger_gets_no_values(client: Client, read: Read, charlie: User) -> None:
    assert client.get(address(read.instance)).status_code == 302
    client.force_login(charlie)
    assert client.get(address(read.instance)).status_code == 404


def test_values_whose_file_is_gone_are_not_found(page: Client, read: Read) -> None:
    delete_content(read.instance.content_key)
    assert page.get(address(read.instance)).status_code == 404
