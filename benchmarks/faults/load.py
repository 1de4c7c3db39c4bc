"""A reader who uploads, and an administrator who changes the model, while everything falls apart."""

from __future__ import annotations

import csv
import io
import os
import random
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

ANSWER_SECONDS = 30
GIVE_UP_SECONDS = 600


@dataclass(frozen=True)
class Acknowledged:
    """What the site said it keeps: the bytes as sent, and under which id."""

    content: bytes
    instance: str


@dataclass
class Client:
    """Sends until it is answered, as a careful integration does."""

    addresses: list[str]
    tokens: dict[str, str]
    repeats: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def upload(self, content: bytes, *, draw: random.Random) -> Acknowledged:
        """Hand an image in, under an Idempotency-Key every other time."""
        headers = {"Idempotency-Key": uuid.uuid4().hex} if draw.random() < 0.5 else {}
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            answer = self._post("/api/v1/instances", "reader", headers, files={"file": ("x", content)})
            if answer is not None and answer.status_code in {200, 201, 202}:
                return Acknowledged(content, answer.json()["instance"]["id"])
            if answer is not None and answer.status_code == 409:
                headers = {}  # the key is held by a request that died: the bytes are their own key
            self.repeats += 1
            time.sleep(0.3)
        raise TimeoutError(f"an upload was never acknowledged: {self.errors}")

    def activate(self, version: str) -> bool:
        """Ask once for another model, and tell whether it was acknowledged."""
        answer = self._post(
            f"/api/v1/model-versions/{version}/activate", "admin", {}, json={"reason": "A round of faults."}
        )
        return answer is not None and answer.status_code == 200

    def _post(self, path: str, who: str, headers: dict[str, str], **body: Any) -> httpx.Response | None:
        address = random.choice(self.addresses)
        told = {"Authorization": f"Bearer {self.tokens[who]}", **headers}
        try:
            answer = httpx.post(f"{address}{path}", headers=told, timeout=ANSWER_SECONDS, **body)
        except httpx.HTTPError as error:
            self._count(type(error).__name__)
            return None
        if answer.status_code >= 400:
            self._count(str(answer.status_code))
        return answer

    def _count(self, what: str) -> None:
        self.errors[what] = self.errors.get(what, 0) + 1


def begin_round(
    client: Client, images: Iterator[bytes], *, uploads: int, version: str, draw: random.Random
) -> tuple[list[Future[Acknowledged]], Future[bool], ThreadPoolExecutor]:
    """Start the uploads and a change of the model, all at once."""
    pool = ThreadPoolExecutor(max_workers=uploads + 1)
    seeds = [random.Random(draw.random()) for _ in range(uploads)]
    uploading = [pool.submit(client.upload, next(images), draw=seed) for seed in seeds]
    return uploading, pool.submit(client.activate, version), pool


def images(draw: random.Random) -> Iterator[bytes]:
    """Yield radiographs of the data folder, each once, then made ones without end."""
    folder = Path(os.environ.get("MEDIMAGING_DATA", "/nowhere"))
    if (folder / "manifest.csv").exists():
        with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
            paths = [row["path"] for row in csv.DictReader(file) if row["dataset"] == "cxr_kermany"]
        draw.shuffle(paths)
        for path in paths:
            yield (folder / path).read_bytes()
    while True:
        yield made_image(draw.randrange(2**32))


def made_image(seed: int) -> bytes:
    """Return a PNG of noise that no other seed makes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((224, 224)).save(buffer, "PNG")
    return buffer.getvalue()
