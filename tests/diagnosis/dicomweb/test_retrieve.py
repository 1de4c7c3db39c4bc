"""WADO-RS hands out what is stored, in the form the client accepts, to those who may see it."""

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from accounts.models import Scope, User
from diagnosis.models import Instance
from medimaging.common.storage import delete_content, read_content
from tests.diagnosis.dicomweb.conftest import address, body, parts
from tests.mlcore.engine.imaging.samples import gradient
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

Stored = Callable[..., Instance]
FILES = 'multipart/related; type="application/dicom"'
OCTETS = 'multipart/related; type="application/octet-stream"'
RESOURCES = ("", "metadata", "rendered", "thumbnail", "frames/1", "frames/1/rendered", "bulkdata/7FE00010")


def read(content: bytes) -> Dataset:
    return dcmread(DicomBytesIO(content))


def test_a_study_a_series_and_an_instance_are_sent_as_they_are_stored(
    api: Api, reader: User, stored: Stored
) -> None:
    one = stored("MR_small_RLE.dcm")
    other = stored("MR_small_RLE.dcm", SOPInstanceUID="1.2.3")
    client = api(reader)
    whole = [read_content(instance.content_key) for instance in (one, other)]
    study = address(one).partition("/series")[0]
    series = address(one).partition("/instances")[0]
    for path, expected in ((study, whole), (series, whole), (address(one), whole[:1])):
        response = client.get(path, HTTP_ACCEPT=f"{FILES}; transfer-syntax=*")
        assert response["Content-Type"].startswith(FILES)
        found = parts(response)
        assert sorted(content for _, content in found) == sorted(expected)
        assert found[0][0]["Content-Type"] == f"application/dicom; transfer-syntax={RLELossless}"
        assert found[0][0]["Content-Location"].startswith("http://testserver/dicomweb/studies/")


@pytest.mark.parametrize(
    ("accept", "syntax"),
    [
        (FILES, ExplicitVRLittleEndian),
        (f"{FILES}; transfer-syntax={ImplicitVRLittleEndian}", ImplicitVRLittleEndian),
        (f"{FILES}; transfer-syntax={RLELossless}", RLELossless),
        (f"{FILES}; transfer-syntax={JPEG2000Lossless}; q=1, {FILES}; q=0.5", ExplicitVRLittleEndian),
        ("*/*", RLELossless),
        ("application/dicom", ExplicitVRLittleEndian),
        ("application/dicom; transfer-syntax=*", RLELossless),
    ],
)
def test_the_transfer_syntax_is_negotiated(
    api: Api, reader: User, stored: Stored, accept: str, syntax: str
) -> None:
    instance = stored("MR_small_RLE.dcm")
    response = api(reader).get(address(instance), HTTP_ACCEPT=accept)
    assert response.status_code == 200, body(response)
    alone = response["Content-Type"].startswith("application/dicom")
    content = response.content if alone else parts(response)[0][1]
    dataset = read(content)
    assert alone == accept.startswith("application/dicom")
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert dataset.SOPInstanceUID == instance.sop_instance_uid
    assert np.array_equal(dataset.pixel_array, read(read_content(instance.content_key)).pixel_array)


def test_what_cannot_be_sent_as_accepted_is_refused_with_the_way_out(
    api: Api, reader: User, stored: Stored
) -> None:
    instance, client = stored("MR_small_RLE.dcm"), api(reader)
    for path, accept in (
        (address(instance), f"{FILES}; transfer-syntax={JPEG2000Lossless}"),
        (address(instance), "application/dicom+xml"),
        (address(instance).partition("/series")[0], "application/dicom"),
        (address(instance, "metadata"), "multipart/related; type=application/dicom+xml"),
        (address(instance, "rendered"), "image/gif"),
        (address(instance, "frames/1"), "multipart/related; type=image/jp2"),
        (address(instance, "bulkdata/7FE00010"), "image/jpeg"),
    ):
        refusal = assert_problem(client.get(path, HTTP_ACCEPT=accept), 406, "not_acceptable")
        assert refusal["mend"], path


def test_metadata_names_the_bulk_data_and_the_bulk_data_is_there(
    api: Api, reader: User, stored: Stored
) -> None:
    instance, client = stored("MR_small_bigendian.dcm"), api(reader)
    response = client.get(address(instance, "metadata"))
    assert response["Content-Type"] == "application/dicom+json"
    (described,) = _json(response)
    uri = described["7FE00010"]["BulkDataURI"]
    assert described["00100020"]["Value"] == [instance.series.study.patient.pseudonym]
    assert described["00280010"]["Value"] == [64]
    expected = read(read_content(instance.content_key)).pixel_array.astype("<i2").tobytes()
    assert client.get(uri, HTTP_ACCEPT="application/octet-stream").content == expected
    ((_, content),) = parts(client.get(uri, HTTP_ACCEPT=OCTETS))
    assert content == expected
    assert_problem(client.get(address(instance, "bulkdata/00280010")), 404, "not_found")
    study = address(instance).partition("/series")[0]
    assert _json(client.get(f"{study}/metadata")) == [described]


def _json(response: Any) -> Any:
    return json.loads(body(response))


def test_frames_are_sent_one_by_one(api: Api, reader: User, stored: Stored) -> None:
    instance, client = stored("SC_rgb_rle_2frame.dcm"), api(reader)
    pixels = read(read_content(instance.content_key)).pixel_array
    found = parts(client.get(address(instance, "frames/2,1"), HTTP_ACCEPT=OCTETS))
    for (_, content), frame in zip(found, pixels[::-1], strict=True):
        assert np.array_equal(np.frombuffer(content, np.uint8), _planes(frame, instance))
    stored_as = parts(client.get(address(instance, "frames/1"), HTTP_ACCEPT=f"{OCTETS}; transfer-syntax=*"))
    assert stored_as[0][0]["Content-Type"] == f"image/dicom-rle; transfer-syntax={RLELossless}"
    alone = client.get(address(instance, "frames/1"), HTTP_ACCEPT="application/octet-stream")
    assert alone.content == found[1][1]
    for bad, status, code in (
        ("3", 404, "not_found"),
        ("0", 400, "invalid_query"),
        ("1,x", 400, "invalid_query"),
    ):
        assert_problem(client.get(address(instance, f"frames/{bad}")), status, code)


def _planes(frame: Any, instance: Instance) -> Any:
    dataset = read(read_content(instance.content_key))
    dataset.decompress()
    size = frame.size
    first = np.frombuffer(dataset.PixelData, np.uint8)[:size]
    second = np.frombuffer(dataset.PixelData, np.uint8)[size : 2 * size]
    whole = dataset.pixel_array
    return first if np.array_equal(frame, whole[0]) else second


def test_a_jpeg_frame_is_sent_as_the_jpeg_it_is(api: Api, reader: User, stored: Stored) -> None:
    instance = stored("SC_rgb_jpeg_dcmtk.dcm")
    response = api(reader).get(
        address(instance, "frames/1"), HTTP_ACCEPT="multipart/related; type=image/jpeg"
    )
    ((fields, content),) = parts(response)
    assert fields["Content-Type"].startswith("image/jpeg")
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (100, 100)


def test_a_picture_is_rendered_in_the_size_window_and_format_asked_for(
    api: Api, reader: User, stored: Stored
) -> None:
    instance, client = stored("CT_small.dcm"), api(reader)
    jpeg = client.get(address(instance, "rendered"))
    assert jpeg["Content-Type"] == "image/jpeg"
    png = client.get(address(instance, "rendered?viewport=64,32"), HTTP_ACCEPT="image/png")
    with Image.open(io.BytesIO(png.content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (32, 32))
    views = [
        client.get(address(instance, f"rendered?window={window}"), HTTP_ACCEPT="image/png").content
        for window in ("40,400,linear", "-600,1500,linear", "0,100,sigmoid")
    ]
    assert len(set(views)) == 3
    small = client.get(address(instance, "rendered?quality=5"))
    assert len(small.content) < len(jpeg.content)
    for query in ("viewport=1", "viewport=0,0", "window=a,b,linear", "window=1,0,linear", "quality=0"):
        assert_problem(client.get(address(instance, f"rendered?{query}")), 400, "invalid_query")
    study = address(instance).partition("/series")[0]
    with Image.open(io.BytesIO(client.get(f"{study}/thumbnail").content)) as picture:
        assert picture.size == (128, 128)


def test_a_picture_that_is_no_dicom_file_is_sent_as_a_secondary_capture(
    api: Api, reader: User, stored: Stored
) -> None:
    instance = stored("picture")
    ((_, content),) = parts(api(reader).get(address(instance), HTTP_ACCEPT=FILES))
    dataset = read(content)
    assert np.array_equal(dataset.pixel_array, gradient())
    assert dataset.SOPInstanceUID == instance.sop_instance_uid
    assert dataset.PatientID == instance.series.study.patient.pseudonym
    assert dataset.Modality == "OT"
    for more in RESOURCES[1:]:
        assert api(reader).get(address(instance, more)).status_code == 200, more


def test_a_stranger_finds_nothing_at_any_address(
    api: Api, charlie: User, administrator: User, stored: Stored
) -> None:
    instance = stored("MR_small.dcm")
    study, series = address(instance).partition("/series")[0], address(instance).partition("/instances")[0]
    paths = [
        f"{path}{more}" for path in (study, series) for more in ("", "/metadata", "/rendered", "/thumbnail")
    ]
    paths += [address(instance, *filter(None, [more])) for more in RESOURCES]
    for path in paths:
        assert_problem(api(charlie).get(path), 404, "not_found")
        assert api(administrator).get(path).status_code == 200, path


@pytest.mark.parametrize("more", RESOURCES)
def test_outsiders_stay_out(api: Api, stored: Stored, more: str) -> None:
    path = address(stored("MR_small.dcm"), *filter(None, [more]))
    assert_outsiders_stay_out(lambda client: client.get(path), api=api, scope=Scope.READ)


def test_a_file_that_is_gone_is_said_to_be_gone(api: Api, reader: User, stored: Stored) -> None:
    instance = stored("MR_small.dcm")
    delete_content(instance.content_key)
    assert_problem(api(reader).get(address(instance)), 404, "stored_file_missing")
