"""Exact search for the most similar embeddings."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from mlcore.engine.types import FloatArray

FIRST_CAPACITY = 1024
WIDER = 8
"""How many more candidates than asked for are looked at before the search is widened."""


@dataclass(frozen=True)
class Neighbor:
    """One similar entry; `distance` is 1 - cosine, in [0, 2]."""

    key: str
    group: str
    distance: float


class EmbeddingIndex:
    """Unit vectors in one float32 matrix, searched by one matrix product.

    Safe to add to and search from several threads.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._matrix = np.empty((FIRST_CAPACITY, size), np.float32)
        self._keys: list[str] = []
        self._groups: list[str] = []
        self._rows: dict[str, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def add(self, key: str, group: str, vector: FloatArray) -> None:
        """Add a vector of (size,), or put it in the place of the one that has this key."""
        unit = _unit(vector, size=self.size)
        with self._lock:
            row = self._rows.get(key)
            if row is None:
                row = self._grow()
                self._keys.append(key)
                self._groups.append(group)
                self._rows[key] = row
            self._matrix[row], self._groups[row] = unit, group

    def extend(self, entries: Iterable[tuple[str, str, FloatArray]]) -> None:
        """Add many (key, group, vector)."""
        for key, group, vector in entries:
            self.add(key, group, vector)

    def remove(self, key: str) -> None:
        """Forget a key; the last entry takes its place. Unknown keys are passed over."""
        with self._lock:
            row = self._rows.pop(key, None)
            if row is None:
                return
            last = len(self._keys) - 1
            last_key, last_group = self._keys.pop(), self._groups.pop()
            if row != last:
                self._matrix[row] = self._matrix[last]
                self._keys[row], self._groups[row] = last_key, last_group
                self._rows[last_key] = row

    def search(
        self,
        vector: FloatArray,
        *,
        k: int,
        exclude_key: str | None = None,
        exclude_group: str | None = None,
        exclude_groups: Collection[str] = (),
        one_per_group: bool = False,
    ) -> list[Neighbor]:
        """The `k` nearest entries, nearest first, ties by key.

        Entries with `exclude_key` or of an excluded group (the patient's own) never
        come back; with `one_per_group` no two come from one patient.
        """
        unit = _unit(vector, size=self.size)
        hidden = {*exclude_groups, *((exclude_group,) if exclude_group is not None else ())}
        with self._lock:
            count = len(self._keys)
            if k < 1 or count == 0:
                return []
            similarities = self._matrix[:count] @ unit
            width = k * WIDER
            while True:
                rows = self._nearest_rows(similarities, width=width)
                found = self._choose(
                    rows, similarities, k=k, key=exclude_key, hidden=hidden, one_per_group=one_per_group
                )
                if len(found) == k or width >= count:
                    return found
                width *= 8

    def _nearest_rows(self, similarities: FloatArray, *, width: int) -> list[int]:
        """Rows of the `width` greatest similarities, ties included, in order."""
        count = len(similarities)
        rows = np.arange(count)
        if width < count:
            least = np.partition(similarities, count - width)[count - width]
            rows = np.flatnonzero(similarities >= least)
        return sorted(rows.tolist(), key=lambda row: (-float(similarities[row]), self._keys[row]))

    def _choose(
        self,
        rows: list[int],
        similarities: FloatArray,
        *,
        k: int,
        key: str | None,
        hidden: Collection[str],
        one_per_group: bool,
    ) -> list[Neighbor]:
        """The first `k` of `rows` that may be shown."""
        found: list[Neighbor] = []
        seen: set[str] = set()
        for row in rows:
            group = self._groups[row]
            if self._keys[row] == key or group in hidden or (one_per_group and group in seen):
                continue
            seen.add(group)
            distance = min(2.0, max(0.0, 1.0 - float(similarities[row])))
            found.append(Neighbor(key=self._keys[row], group=group, distance=distance))
            if len(found) == k:
                break
        return found

    def _grow(self) -> int:
        """Return the next free row, doubling the matrix when it is full."""
        row = len(self._keys)
        if row == len(self._matrix):
            wider = np.empty((2 * row, self.size), np.float32)
            wider[:row] = self._matrix
            self._matrix = wider
        return row


def _unit(vector: FloatArray, *, size: int) -> FloatArray:
    """Scale to unit length; raise ValueError on another shape or a vector without direction."""
    if vector.shape != (size,):
        raise ValueError(f"An embedding of shape ({size},) is needed, not {vector.shape}.")
    norm = float(np.linalg.norm(vector))
    if not np.isfinite(norm) or norm == 0.0:
        raise ValueError("An embedding needs a finite length above zero.")
    return np.asarray(vector / np.float32(norm), np.float32)
