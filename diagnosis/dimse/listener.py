"""Answer C-ECHO and take C-STORE in, from the callers that are on a list (PS3.4 A and B)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt

from accounts.models import User
from diagnosis.models import UploadSource
from diagnosis.selectors.limits import image_limits
from diagnosis.services.dicom_store import Failed, store_instance
from medimaging.common.errors import ApplicationError
from mlcore.engine.imaging.dicom_header import READ_TRANSFER_SYNTAXES
from mlcore.models import ExaminationType

logger = logging.getLogger(__name__)

VERIFICATION = "1.2.840.10008.1.1"
SUCCESS = 0x0000
PROCESSING_FAILURE = 0x0110
NOT_AUTHORIZED = 0x0124
CANNOT_UNDERSTAND = 0xC000
LONGEST_COMMENT = 64
OVERHEAD_BYTES = 1024 * 1024
"""What a message may hold beyond the largest file."""
PDU_BYTES = 64 * 1024
SECONDS = 60


@dataclass(frozen=True)
class ListenerConfig:
    """Who is listened to, and as whom their images are stored."""

    user_id: Any
    callers: tuple[str, ...]
    ae_title: str = "MEDIMAGING"
    host: str = "127.0.0.1"
    port: int = 11112
    most_associations: int = 10
    examination_type: ExaminationType | None = None


def start_listener(config: ListenerConfig) -> Any:
    """Listen in threads of their own, and return the server; `shutdown` ends it."""
    entity = AE(ae_title=config.ae_title)
    entity.require_called_aet = True
    entity.require_calling_aet = list(config.callers)
    entity.maximum_associations = config.most_associations
    entity.maximum_pdu_size = PDU_BYTES
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = SECONDS
    entity.add_supported_context(VERIFICATION)
    syntaxes = sorted(READ_TRANSFER_SYNTAXES)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), syntaxes)
    meter = _Meter()
    handlers: list[tuple[Any, ...]] = [
        (evt.EVT_C_ECHO, _echo),
        (evt.EVT_C_STORE, _store, [config, meter]),
        (evt.EVT_PDU_RECV, meter.count),
        (evt.EVT_CONN_CLOSE, meter.forget),
    ]
    return entity.start_server((config.host, config.port), block=False, evt_handlers=handlers)


class _Meter:
    """Counts the bytes of the message that each association is sending, and ends one that sends too many."""

    def __init__(self) -> None:
        self._received: dict[int, int] = {}

    def count(self, event: Any) -> None:
        """Count one PDU."""
        items = getattr(event.pdu, "presentation_data_value_items", [])
        key = id(event.assoc)
        earlier = self._received.get(key, 0)
        length = earlier + sum(len(item.presentation_data_value) for item in items)
        self._received[key] = length
        most = image_limits().max_bytes + OVERHEAD_BYTES
        if earlier <= most < length:
            logger.warning("dimse_message_too_long", extra={"received_bytes": length})
            event.assoc.abort()

    def start_again(self, assoc: Any) -> None:
        """Begin to count for the next message."""
        self._received[id(assoc)] = 0

    def forget(self, event: Any) -> None:
        """Drop what was counted."""
        self._received.pop(id(event.assoc), None)


def _echo(event: Any) -> int:
    return SUCCESS


def _store(event: Any, config: ListenerConfig, meter: _Meter) -> int | Dataset:
    """Store one instance and return its status, with a comment where it is not stored."""
    meter.start_again(event.assoc)
    return _in_own_connection(lambda: _status(event.encoded_dataset(), config))


def _status(content: bytes, config: ListenerConfig) -> int | Dataset:
    user = User.objects.filter(pk=config.user_id).first()
    if user is None or not user.uploads_images:
        return _failure(NOT_AUTHORIZED, "The user that images are stored as may not bring any in.")
    try:
        outcome = store_instance(
            content, by=user, source=UploadSource.DIMSE, examination_type=config.examination_type
        )
    except ApplicationError as error:
        return _failure(CANNOT_UNDERSTAND, error.message)
    if isinstance(outcome, Failed):
        return _failure(int(outcome.reason), outcome.message)
    return SUCCESS


def _in_own_connection(work: Callable[[], int | Dataset]) -> int | Dataset:
    """Do the work in this thread's database connection, and say so where it fails."""
    try:
        return work()
    except Exception:
        # The library would answer and drop what happened, and the next sender would meet it again.
        logger.exception("dimse_store_failed")
        return _failure(PROCESSING_FAILURE, "The image could not be stored. Send it again later.")
    finally:
        connections.close_all()


def _failure(status: int, message: str) -> Dataset:
    answer = Dataset()
    answer.Status = status
    answer.ErrorComment = message.replace("\\", "/")[:LONGEST_COMMENT]
    return answer
