"""What the tests of DICOMweb share."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.http import HttpResponse
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from rest_framework.test import APIClient

from accounts.models import User
from diagnosis.models import Instance, UploadSource
from diagnosis.services.intake import receive
from mlcore.models import ExaminationType
from tests.factories import ModelVersionFactory
from tests.mlcore.engine.imaging.samples import dicom, gradient, picture
from tests.rest_fixture import api, own_rate_limits, session

__all__ = ["api", "own_rate_limits", "session"]

ROOT = "/dicomweb"
TYPE = 'multipart/related; type="application/dicom"; boundary=b0'
Store = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def examination_type(db: None) -> ExaminationType:
    """Return the one examination type with an active model; nothing carries its analyses out."""
    return ModelVersionFactory.create().examination_type


@pytest.fixture
def stored(reader: User, examination_type: ExaminationType) -> Callable[..., Instance]:
    """Return a function that takes a file in for the reader and returns its instance."""

    def store(name: str = "MR_small.dcm", *, by: User = reader, **changes: Any) -> Instance:
        content = changed(name, **changes) if name.endswith(".dcm") else picture(gradient())
        upload = receive(content, by=by, source=UploadSource.DICOMWEB)
        assert upload.instance is not None, upload.rejection
        return upload.instance

    return store


def changed(name: str, **changes: Any) -> bytes:
    """Return a file of pydicom, with other values where some are given."""
    if not changes:
        return dicom(name)
    dataset = dcmread(BytesIO(dicom(name)))
    dataset.pop("DataSetTrailingPadding", None)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    target = BytesIO()
    dcmwrite(target, dataset)
    return target.getvalue()


def multipart(*contents: bytes, kind: bytes = b"application/dicom") -> bytes:
    """Return a body whose boundary is b0."""
    lead = b"--b0\r\nContent-Type: " + kind + b"\r\n\r\n"
    return b"\r\n".join(lead + content for content in contents) + b"\r\n--b0--"


def send(client: APIClient, *contents: bytes, path: str = "/studies", **options: Any) -> HttpResponse:
    """Store instances."""
    options.setdefault("content_type", TYPE)
    body = options.pop("body", None) or multipart(*contents)
    return client.generic("POST", f"{ROOT}{path}", body, **options)


def said(response: HttpResponse) -> Dataset:
    """Return the data set that a store request is answered with."""
    assert response["Content-Type"] == "application/dicom+json"
    return Dataset.from_json(json.loads(response.content))


def address(instance: Instance, *more: str) -> str:
    """Return the address of an instance, and what follows."""
    series = instance.series
    return "/".join(
        (
            f"{ROOT}/studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}",
            f"instances/{instance.sop_instance_uid}",
            *more,
        )
    )


def body(response: Any) -> bytes:
    """Return the whole body, streamed or not."""
    return b"".join(response.streaming_content) if response.streaming else response.content


def parts(response: Any) -> list[tuple[dict[str, str], bytes]]:
    """Return the headers and contents of a multipart answer."""
    boundary = response["Content-Type"].rpartition("boundary=")[2].encode()
    pieces = body(response).split(b"--" + boundary)
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n"
    found = []
    for piece in pieces[1:-1]:
        head, _, content = piece[2:-2].partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        assert int(fields["Content-Length"]) == len(content)
        found.append((fields, content))
    return found
