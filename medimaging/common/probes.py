"""Ask each server that the site stands on whether it does its part."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 3
REFUSED = frozenset({"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"})


@dataclass(frozen=True)
class Probe:
    """What one server answered: `problem` says what is wrong and what to do, or nothing."""

    name: str
    problem: str = ""
    needed: bool = True
    """Whether the site cannot take requests without it."""

    @property
    def ok(self) -> bool:
        return not self.problem


def probe_all(*, thorough: bool = False) -> list[Probe]:
    """Ask every server; `thorough` also writes to the storage and reads it back."""
    storage = _storage_by_writing if thorough else _storage_by_reading
    return [
        _probe("database", _database),
        _probe("storage", storage),
        _probe("cache", _cache),
        # The database is the queue of record: without a broker uploads are kept, and wait.
        _probe("broker", _broker, needed=False),
    ]


def _probe(name: str, ask: Callable[[], str], *, needed: bool = True) -> Probe:
    problem = ask()
    if problem:
        log.warning("probe_failed", probe=name, problem=problem)
    return Probe(name, problem, needed)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"The database does not answer ({type(error).__name__}). Check MEDIMAGING_DATABASE_URL."
    return ""


def _cache() -> str:
    mark = uuid.uuid4().hex
    try:
        cache.set("probe", mark, 60)
        answered = cache.get("probe") is not None
    except (RedisError, OSError) as error:
        return f"The cache does not answer ({type(error).__name__}). Check MEDIMAGING_CACHE_URL."
    return "" if answered else "The cache forgets at once what it is told. Check MEDIMAGING_CACHE_URL."


def _broker() -> str:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS)
    except (OperationalError, OSError) as error:
        return f"The broker does not answer ({type(error).__name__}). Check MEDIMAGING_BROKER_URL."
    return ""


def _storage_by_reading() -> str:
    return _storage(lambda: default_storage.exists("probe/none"))


def _storage_by_writing() -> str:
    def write_and_read_back() -> None:
        mark = uuid.uuid4().hex
        key = default_storage.save(f"probe/{mark}", ContentFile(mark.encode()))
        try:
            with default_storage.open(key, "rb") as file:
                if file.read() != mark.encode():
                    raise OSError("what was written is not what is read")
        finally:
            default_storage.delete(key)

    return _storage(write_and_read_back)


def _storage(ask: Callable[[], object]) -> str:
    try:
        ask()
    except ClientError as error:
        return _refusal(str(error.response["Error"]["Code"]))
    except BotoCoreError as error:
        return f"The object storage does not answer ({type(error).__name__}). Check MEDIMAGING_S3_ENDPOINT."
    except OSError as error:
        return f"Files cannot be kept under {_place()}: {error.strerror or error}."
    return ""


def _refusal(code: str) -> str:
    if code in REFUSED:
        return (
            f"The object storage refuses the keys ({code}). "
            "Check MEDIMAGING_S3_ACCESS_KEY and MEDIMAGING_S3_SECRET_KEY, and what they may do."
        )
    if code in {"404", "NoSuchBucket"}:
        return f"There is no bucket {settings.S3_BUCKET}. Make it, or correct MEDIMAGING_S3_BUCKET."
    return f"The object storage answers with {code}."


def _place() -> Path:
    return Path(settings.VAR_DIR) / "files"
