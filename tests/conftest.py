"""What all tests share: real images, a real worker, users who may and a stranger who may not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import translation
from pytest_django import DjangoDbBlocker

from accounts.models import Role, User
from diagnosis.models import Condition
from diagnosis.services.installation import install_shipped
from mlcore.models import ExaminationType, ModelVersion, ServingProcess
from tests.audit_fixture import lifted_audit_triggers
from tests.factories import UserFactory

__all__ = ["lifted_audit_triggers"]

WORKER_START_SECONDS = 120


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Begin each test in English: a request in another language leaves its own behind in the thread."""
    with translation.override("en"):
        yield


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of labelled images, or skip the test that needs it."""
    folder = Path(settings.DATA_DIR)
    if not (folder / "manifest.csv").is_file():
        pytest.skip("MEDIMAGING_DATA names no folder with a manifest.csv")
    return folder


@pytest.fixture(scope="session")
def radiograph(data_dir: Path) -> bytes:
    """Return a radiograph at full resolution, as a reader uploads it."""
    return (data_dir / "upload_samples_fullres/NORMAL/IM-0214-0001.jpeg").read_bytes()


@pytest.fixture(scope="session")
def pneumonia_radiograph(data_dir: Path) -> bytes:
    """Return a radiograph that was labelled as pneumonia."""
    return (data_dir / "upload_samples_fullres/PNEUMONIA/person1251_bacteria_3208.jpeg").read_bytes()


@pytest.fixture
def reader(db: None) -> User:
    """Return an active reader."""
    return UserFactory.create(email="reader@example.org", full_name="Rhea Reader")


@pytest.fixture
def charlie(db: None) -> User:
    """Return another active reader, who must never get in."""
    return UserFactory.create(email="charlie@example.org", full_name="Charlie Stranger")


@pytest.fixture
def administrator(db: None) -> User:
    """Return an active administrator."""
    return UserFactory.create(
        email="admin@example.org", full_name="Ada Administrator", role=Role.ADMINISTRATOR
    )


@pytest.fixture
def signed_in(client: Client) -> Callable[[User], Client]:
    """Return a function that signs a user in and returns their client."""

    def sign_in(user: User) -> Client:
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def shipped(db: None) -> ModelVersion:
    """Return the active model that ships with the repository."""
    (version,) = install_shipped()
    return version


@pytest.fixture
def chest(shipped: ModelVersion) -> ExaminationType:
    """Return the examination type of the shipped model."""
    return shipped.examination_type


@pytest.fixture
def pneumonia(chest: ExaminationType) -> Condition:
    """Return the condition that the shipped model answers for."""
    return Condition.objects.get(examination_type=chest, code="pneumonia")


def worker_environment() -> dict[str, str]:
    """Return the environment in which a child process shares the test's database and files."""
    database = connection.settings_dict
    environment = {
        **os.environ,
        "MEDIMAGING_VAR": str(settings.VAR_DIR),
        "MEDIMAGING_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    if connection.vendor == "sqlite":
        environment["MEDIMAGING_DATABASE_URL"] = f"sqlite:///{database['NAME']}"
    else:
        environment["MEDIMAGING_DATABASE_URL"] = (
            f"postgres://{database['USER']}:{database['PASSWORD']}"
            f"@{database['HOST']}:{database['PORT']}/{database['NAME']}"
        )
    return environment


def start_worker(*, environment: dict[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """Start a Celery worker on the test's database; `wait_for_worker` tells when it is ready."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "celery", "--app", "medimaging", "worker", "--beat"),
            *("--concurrency", "1", "--queues", "analysis,default"),
            *("--loglevel", "WARNING", "--without-mingle", "--without-gossip"),
            *("--schedule", str(settings.VAR_DIR / f"beat-{time.monotonic_ns()}")),
        ],
        cwd=settings.BASE_DIR,
        env=environment or worker_environment(),
        start_new_session=True,
    )


def wait_for_worker(process: "subprocess.Popen[bytes]", *, version: ModelVersion) -> None:
    """Wait until a child of the worker says that it holds `version`."""
    deadline = time.monotonic() + WORKER_START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the worker ended"
        alive = ServingProcess.objects.order_by("-seen_at").values_list("models_loaded", flat=True)
        if any(str(version.pk) in loaded.values() for loaded in alive):
            return
        time.sleep(0.1)
    pytest.fail("the worker did not load the model in time")


def stop_worker(process: "subprocess.Popen[bytes]") -> None:
    """Ask a worker to end, as a service manager does: it ends its children itself."""
    process.terminate()
    process.wait(30)


def kill_worker(process: "subprocess.Popen[bytes]") -> None:
    """Kill a worker and its children in the middle of whatever they do."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


@pytest.fixture(scope="module")
def worker_process(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run one real worker process for the tests of a file; the next file must not find it at work."""
    process = start_worker()
    yield process
    stop_worker(process)
    with django_db_blocker.unblock():
        ServingProcess.objects.all().delete()


@pytest.fixture
def worker(
    transactional_db: None, worker_process: "subprocess.Popen[bytes]", lifted_audit_triggers: None
) -> ModelVersion:
    """Return the shipped model version, held by a real worker on the test's own database."""
    (version,) = install_shipped()
    wait_for_worker(worker_process, version=version)
    return version
