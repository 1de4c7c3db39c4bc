"""Images come in by C-STORE from dcmtk's tools, from listed callers alone."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from accounts.models import Role, User, UserStatus
from diagnosis.dimse.listener import ListenerConfig, start_listener
from diagnosis.models import Instance, Upload, UploadSource
from tests.factories import ModelVersionFactory, UserFactory
from tests.mlcore.engine.imaging.samples import dicom

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("lifted_audit_triggers"),
    pytest.mark.skipif(shutil.which("storescu") is None, reason="dcmtk's storescu is not installed"),
]
CALLER = "WARD1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port(transactional_db: None, reader: User) -> Iterator[int]:
    """Run a listener that stores as the reader, and return its port."""
    ModelVersionFactory.create()
    config = ListenerConfig(user_id=reader.pk, callers=(CALLER,), port=free_port(), most_associations=2)
    server = start_listener(config)
    yield config.port
    server.shutdown()


def run(tool: str, port: int, *more: str, caller: str = CALLER, called: str = "MEDIMAGING") -> Any:
    return subprocess.run(
        [tool, "-v", "-aet", caller, "-aec", called, "127.0.0.1", str(port), *more],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def files(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).write_bytes(dicom(name))
    return [str(folder / name) for name in names]


def test_the_listed_caller_is_answered_and_another_is_not(port: int) -> None:
    assert run("echoscu", port).returncode == 0
    for stranger in ({"caller": "STRANGER"}, {"called": "OTHER"}):
        refused = run("echoscu", port, **stranger)
        assert refused.returncode != 0
        assert "Rejected" in refused.stdout + refused.stderr


def test_images_are_stored_in_the_transfer_syntax_they_come_in(
    port: int, reader: User, tmp_path: Path
) -> None:
    sent = {"CT_small.dcm": "-xe", "SC_rgb_jpeg_dcmtk.dcm": "-xy", "MR_small_RLE.dcm": "-xr"}
    for name, syntax in sent.items():
        done = run("storescu", port, syntax, *files(tmp_path, name))
        assert done.returncode == 0, done.stderr
        assert "Store Response (Success)" in done.stdout + done.stderr
    assert Instance.objects.count() == len(sent)
    uploads = Upload.objects.all()
    assert {upload.uploaded_by for upload in uploads} == {reader}
    assert {upload.source for upload in uploads} == {UploadSource.DIMSE}
    stored = set(Instance.objects.values_list("transfer_syntax_uid", flat=True))
    assert "1.2.840.10008.1.2.4.50" in stored


def test_what_is_not_stored_is_refused_with_a_reason(
    port: int, reader: User, tmp_path: Path, settings: Settings
) -> None:
    report = run("storescu", port, *files(tmp_path, "reportsi.dcm"))
    assert "SOPClassNotSupported" in report.stdout + report.stderr
    User.objects.filter(pk=reader.pk).update(status=UserStatus.SUSPENDED)
    refused = run("storescu", port, *files(tmp_path, "CT_small.dcm"))
    assert "0x124" in refused.stdout + refused.stderr
    assert not Instance.objects.exists()


def test_a_message_without_end_is_cut_off(port: int, tmp_path: Path, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1024
    big = tmp_path / "big.dcm"
    content = dicom("RG1_UNCR.dcm")
    big.write_bytes(content)
    assert len(content) > 2 * 1024 * 1024
    cut = run("storescu", port, "-xe", str(big))
    # Its exit status is 0 where the abort arrives before its own write fails.
    said = cut.stdout + cut.stderr
    assert "abort" in said.lower()
    assert "Success" not in said
    assert not Upload.objects.exists()
    assert run("echoscu", port).returncode == 0


def test_the_command_refuses_to_listen_to_nobody_or_as_nobody(reader: User) -> None:
    auditor = UserFactory.create(role=Role.AUDITOR)
    for arguments, said in (
        (["--user", reader.email], "Nobody may call"),
        (["--caller", "A" * 17, "--user", reader.email], "not an AE title"),
        (["--caller", CALLER, "--user", "none@example.org"], "Name an active user"),
        (["--caller", CALLER, "--user", auditor.email], "Name an active user"),
        (["--caller", CALLER, "--user", reader.email, "--examination-type", "none"], "no type"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("dicom_listener", *arguments, stdout=StringIO())
