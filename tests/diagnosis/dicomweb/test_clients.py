"""Real clients store to the site and fetch from it: dicomweb-client, and Orthanc with its plug-in."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session
from django.conf import settings
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from accounts.models import User
from diagnosis.models import Instance, Study
from medimaging.common.storage import read_content
from mlcore.models import ExaminationType
from tests.conftest import worker_environment
from tests.factories import ApiTokenFactory
from tests.mlcore.engine.imaging.samples import dicom

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("lifted_audit_triggers")]
START_SECONDS = 180
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait until something answers, or say that it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the process ended"
        try:
            if ready():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail("the process did not answer in time")


@pytest.fixture
def site(transactional_db: None, examination_type: ExaminationType) -> Iterator[str]:
    """Serve the site by gunicorn, as it is served in earnest, on the database of the test."""
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "medimaging.wsgi:application", "--bind", address),
            *("--threads", "4", "--worker-class", "gthread", "--timeout", "120", "--log-level", "error"),
        ],
        cwd=settings.BASE_DIR,
        env=worker_environment(),
    )
    try:
        wait_until(lambda: httpx.get(f"http://{address}/dicomweb/studies").status_code == 401, process)
        yield f"http://{address}/dicomweb"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def bearer(reader: User) -> dict[str, str]:
    token = ApiTokenFactory.create(user=reader)
    return {"Authorization": f"Bearer {token.secret}"}  # type: ignore[attr-defined]


def test_dicomweb_client_stores_searches_and_retrieves(site: str, bearer: dict[str, str]) -> None:
    client = DICOMwebClient(url=site, session=create_session(), headers=bearer)
    client.set_chunk_size(10_000)  # smaller than an instance, so that the body comes in chunks
    sent = [dcmread(BytesIO(dicom(name))) for name in ("MR_small.dcm", "SC_rgb_rle_2frame.dcm")]
    answer = client.store_instances(sent)
    assert len(answer.ReferencedSOPSequence) == 2
    study = Study.objects.get(series__modality="MR")
    found = client.search_for_studies(search_filters={"StudyInstanceUID": study.study_instance_uid})
    assert [row["0020000D"]["Value"][0] for row in found] == [study.study_instance_uid]
    assert len(client.search_for_instances(fields=["PixelSpacing"], limit=1)) == 1
    instance = Instance.objects.get(series__study=study)
    names = (study.study_instance_uid, instance.series.series_instance_uid, instance.sop_instance_uid)
    (whole,) = client.retrieve_study(names[0])
    assert np.array_equal(whole.pixel_array, sent[0].pixel_array)
    retrieved = client.retrieve_instance(*names)
    assert retrieved.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    (described,) = client.retrieve_study_metadata(names[0])
    assert described["00080018"]["Value"] == [names[2]]
    # The client leaves the port out of its Host header, and so out of the addresses it is told.
    path = httpx.URL(described["7FE00010"]["BulkDataURI"]).path
    (pixels,) = client.retrieve_bulkdata(str(httpx.URL(site).copy_with(path=path)))
    assert pixels == sent[0].PixelData
    assert client.retrieve_instance_frames(*names, frame_numbers=[1]) == [pixels]
    assert client.retrieve_instance_rendered(*names, media_types=("image/png",)).startswith(b"\x89PNG")


@pytest.fixture
def orthanc(site: str, bearer: dict[str, str], tmp_path: Path) -> Iterator[httpx.Client]:
    """Run Orthanc with its DICOMweb plug-in, to which the site is a server, and return its own client."""
    if shutil.which("Orthanc") is None or not PLUGIN.exists():
        pytest.skip("Orthanc and its DICOMweb plug-in are not installed")
    port = free_port()
    configuration = {
        "StorageDirectory": str(tmp_path / "storage"),
        "IndexDirectory": str(tmp_path / "storage"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": port,
        "DicomServerEnabled": False,
        "AuthenticationEnabled": False,
        "RemoteAccessAllowed": False,
        "DicomWeb": {"Enable": True, "Servers": {"site": {"Url": f"{site}/", "HttpHeaders": bearer}}},
    }
    file = tmp_path / "orthanc.json"
    file.write_text(json.dumps(configuration))
    process = subprocess.Popen(
        ["Orthanc", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path
    )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120)
    try:
        wait_until(lambda: client.get("/system").status_code == 200, process)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(30)


def test_orthanc_stores_to_the_site_and_fetches_from_it(orthanc: httpx.Client) -> None:
    names = ("MR_small.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_jpeg_dcmtk.dcm")
    ids = [orthanc.post("/instances", content=dicom(name)).json()["ID"] for name in names]
    sent = orthanc.post("/dicom-web/servers/site/stow", json={"Resources": ids, "Synchronous": True})
    assert sent.status_code == 200, sent.text
    assert Instance.objects.count() == len(names)
    asked = orthanc.post("/dicom-web/servers/site/qido", json={"Uri": "/studies"})
    assert len(asked.json()) == Study.objects.count()

    orthanc.request("DELETE", f"/instances/{ids[0]}")
    instance = Instance.objects.get(series__modality="MR")
    resource = {"Study": instance.series.study.study_instance_uid}
    fetched = orthanc.post(
        "/dicom-web/servers/site/retrieve", json={"Resources": [resource], "Synchronous": True}
    )
    assert fetched.status_code == 200, fetched.text
    query = {"SOPInstanceUID": instance.sop_instance_uid}
    (here,) = orthanc.post("/tools/find", json={"Level": "Instance", "Query": query}).json()
    file = dcmread(BytesIO(orthanc.get(f"/instances/{here}/file").content))
    assert np.array_equal(file.pixel_array, dcmread(BytesIO(read_content(instance.content_key))).pixel_array)
