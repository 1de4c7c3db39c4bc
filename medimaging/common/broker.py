"""Kombu's file-based transport, made to survive processes that are killed and readers that are quick.

Kombu writes a message under its final name, so a reader may take an empty file,
and writes the table of queues in place, so a process killed meanwhile leaves one
that cannot be read any more. Either ends every worker that meets it.
"""

import json
import os
import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Writes messages whole, and makes a damaged table of queues anew."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Put a message onto `queue`: it has its name only once it is complete."""
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        draft = folder / f"{name}.part"
        try:
            draft.write_text(dumps(payload))
            os.replace(draft, folder / name)
        except OSError as error:
            raise ChannelError(f"Cannot add a message to {folder}.") from error

    def get_table(self, exchange: str) -> list[Any]:
        """Return the queues of an exchange; a damaged table has none until one is bound again."""
        try:
            table: list[Any] = super().get_table(exchange)
        except json.JSONDecodeError:
            return []
        return table

    def _queue_bind(self, exchange: str, *binding: Any) -> None:
        try:
            super()._queue_bind(exchange, *binding)
        except json.JSONDecodeError:
            Path(self.control_folder, f"{exchange}.exchange").unlink(missing_ok=True)
            super()._queue_bind(exchange, *binding)


class Transport(filesystem.Transport):
    """What `filesystem://` stands for on this site."""

    Channel = Channel
