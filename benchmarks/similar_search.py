"""The search of similar images at 100,000 vectors, beside libraries; and how often the nearest agree."""

from __future__ import annotations

import importlib.util
import time

import numpy as np
from model_common import predictor, publish, shipped
from side_by_side import SHARED, Run, ratio, side_by_side, spread

from mlcore.engine.inference.retrieval import EmbeddingIndex
from mlcore.engine.types import FloatArray

COUNT, QUERIES, K, ROUNDS = 100_000, 64, 5, 60
OURS = "ours, patient's own left out"


def main() -> None:
    """Measure and publish."""
    rng = np.random.default_rng(0)
    size = predictor().projection.size
    vectors = rng.normal(size=(COUNT, size)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = vectors[:QUERIES] + 0.3 * rng.normal(size=(QUERIES, size)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    ways, agree = searches(vectors, queries)
    times = side_by_side(ways, rounds=ROUNDS)
    work = processor_time(ways[OURS])
    note = (
        f"The {K} nearest of {COUNT:,} unit vectors of {size} numbers, in milliseconds. {SHARED} "
        f"Ours takes {work:.1f} ms of processor time over all threads, however busy the machine is. All "
        f"are exact; ours found the same neighbors as the product by NumPy in {agree} of {QUERIES} searches, "
        f"and leaves out the patient's own. Part of the {K} nearest training images with the label of an "
        f"image of the test fold, as the model file states it: {precision()}."
    )
    rows = [(name, *spread(found), ratio(found, times)) for name, found in times.items()]
    header = ("search", "fastest", "p50", "p95", "times the fastest way (fastest / p50)")
    publish("Similar images", header, rows, note=note)


def searches(vectors: FloatArray, queries: FloatArray) -> tuple[dict[str, Run], int]:
    """Every way that is installed, and in how many searches ours agrees with the plain product."""
    index = EmbeddingIndex(vectors.shape[1])
    index.extend((str(row), f"patient {row}", vector) for row, vector in enumerate(vectors))

    def ours(number: int) -> list[str]:
        own = f"patient {COUNT - 1 - number % QUERIES}"
        return [n.key for n in index.search(queries[number % QUERIES], k=K, exclude_group=own)]

    def product(number: int) -> list[str]:
        similarities = vectors @ queries[number % QUERIES]
        rows = np.argpartition(-similarities, K)[:K]
        return [str(row) for row in rows[np.argsort(-similarities[rows])]]

    ways: dict[str, Run] = {OURS: ours, "NumPy, product and partition": product}
    if importlib.util.find_spec("faiss"):
        import faiss

        flat = faiss.IndexFlatIP(vectors.shape[1])
        flat.add(vectors)
        ways["faiss, IndexFlatIP"] = lambda number: flat.search(queries[number % QUERIES][None], K)
    if importlib.util.find_spec("usearch"):
        from usearch.index import search

        ways["usearch, exact"] = lambda number: search(
            vectors, queries[number % QUERIES], K, "cos", exact=True
        )
    return ways, sum(ours(number) == product(number) for number in range(QUERIES))


def processor_time(run: Run) -> float:
    """Milliseconds that one call keeps the processor busy, over all threads; the median of many."""
    times = []
    for number in range(ROUNDS):
        began = time.process_time()
        run(number)
        times.append(1000 * (time.process_time() - began))
    return float(np.median(times))


def precision() -> str:
    """How many of the nearest training images have the label of a test image, as the model file states it."""
    metrics = shipped().facts.metrics
    stated = [f"{v:.3f}" for name, v in metrics.items() if name.endswith("precision_at_5")]
    return ", ".join(stated) or "not stated"


if __name__ == "__main__":
    main()
