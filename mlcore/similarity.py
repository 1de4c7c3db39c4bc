"""Which stored images lie near a new one: an exact index in memory, fed from the database."""

import threading

import numpy as np

from mlcore.engine.inference.retrieval import EmbeddingIndex, Neighbor
from mlcore.engine.types import FloatArray
from mlcore.models import Embedding, ForgottenImage

OVERLAP = 1000
"""Rows read again at each refresh: on PostgreSQL a lower id may become visible after a higher one."""


class _SyncedIndex:
    def __init__(self, embedding_version: str, *, dimensions: int) -> None:
        self.embedding_version = embedding_version
        self.index = EmbeddingIndex(dimensions)
        self.last_id = self.last_forgotten = 0
        self.lock = threading.Lock()

    def refresh(self) -> None:
        """Take in what was stored since the last time."""
        rows = Embedding.objects.filter(
            embedding_version=self.embedding_version, id__gt=self.last_id - OVERLAP
        ).order_by("id")
        for row in rows.defer("layers").iterator(chunk_size=5000):
            self.last_id = max(self.last_id, row.id)
            if row.source_id not in self.index:
                vector = np.frombuffer(bytes(row.vector), dtype="<f4")
                self.index.add(row.source_id, row.group, vector)
        self._forget()

    def _forget(self) -> None:
        """Drop what was erased."""
        rows = ForgottenImage.objects.filter(id__gt=self.last_forgotten - OVERLAP).order_by("id")
        for forgotten_id, source_id in rows.values_list("id", "source_id"):
            self.last_forgotten = max(self.last_forgotten, forgotten_id)
            self.index.remove(source_id)


_indexes: dict[str, _SyncedIndex] = {}
_indexes_lock = threading.Lock()


def nearest(vector: FloatArray, *, embedding_version: str, k: int, exclude_group: str) -> list[Neighbor]:
    """Return the `k` stored images nearest to `vector` (cosine), the patient's own left out."""
    synced = _index_of(embedding_version, dimensions=len(vector))
    with synced.lock:
        synced.refresh()
        return synced.index.search(vector, k=k, exclude_group=exclude_group)


def size(embedding_version: str) -> int:
    """Return how many images are stored under the embedding version."""
    return Embedding.objects.filter(embedding_version=embedding_version).count()


def remember(
    vector: FloatArray,
    *,
    embedding_version: str,
    source_id: str,
    group: str,
    layers: FloatArray | None = None,
) -> None:
    """Store an image's vector and layers; storing them twice changes nothing."""
    seen = None if layers is None else np.asarray(layers, dtype="<f4").tobytes()
    row, new = Embedding.objects.get_or_create(
        embedding_version=embedding_version,
        source_id=source_id,
        defaults={"group": group, "vector": np.asarray(vector, dtype="<f4").tobytes(), "layers": seen},
    )
    if not new and row.layers is None and seen is not None:
        row.layers = seen
        row.save(update_fields=["layers"])


def _index_of(embedding_version: str, *, dimensions: int) -> _SyncedIndex:
    with _indexes_lock:
        if embedding_version not in _indexes:
            _indexes[embedding_version] = _SyncedIndex(embedding_version, dimensions=dimensions)
        return _indexes[embedding_version]
