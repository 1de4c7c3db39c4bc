"""The same picture is found again however it was exported; two patients are not taken for one."""

import csv
import io
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.training.near_duplicates import (
    MIN_CORRELATION,
    Fingerprint,
    fine_correlation,
    fingerprint,
    hashes_within,
)
from mlcore.engine.types import FloatArray


def texture(seed: int, *, side: int = 224) -> FloatArray:
    """A picture with structure at every scale, drawn at random from `seed`."""
    noise = np.random.default_rng(seed)
    picture = sum(
        weight
        * np.asarray(
            Image.fromarray(noise.random((cells, cells)).astype(np.float32)).resize((side, side)), np.float32
        )
        for cells, weight in ((4, 0.5), (12, 0.3), (40, 0.2))
    )
    return np.clip(picture, 0, 1).astype(np.float32)


def alike(one: Fingerprint, other: Fingerprint) -> bool:
    near = hashes_within(one.hash, np.array([other.hash], np.int64))
    return len(near) == 1 and float(fine_correlation(one.thumbnail, [other.thumbnail])[0]) > MIN_CORRELATION


def jpeg(pixels: FloatArray) -> FloatArray:
    target = io.BytesIO()
    Image.fromarray((pixels * 255).astype(np.uint8)).save(target, "JPEG", quality=50)
    return decode_image(target.getvalue()).pixels


def half(pixels: FloatArray) -> FloatArray:
    return np.asarray(Image.fromarray(pixels).resize((112, 112), Image.Resampling.BILINEAR), np.float32)


CHANGES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "jpeg": jpeg,
    "half": half,
    "gamma": lambda pixels: pixels**0.8,
    "window": lambda pixels: np.clip((pixels - 0.2) / 0.6, 0, 1).astype(np.float32),
    "color": lambda pixels: np.repeat(pixels[..., None], 3, axis=2),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", range(5))
def test_another_export_of_the_same_picture_is_found(change: str, seed: int) -> None:
    picture = texture(seed)
    assert alike(fingerprint(picture), fingerprint(CHANGES[change](picture)))


def test_different_pictures_are_told_apart() -> None:
    prints = [fingerprint(texture(seed)) for seed in range(40)]
    assert not any(alike(one, other) for one, other in itertools.combinations(prints, 2))


def test_hashes_are_found_nearest_first_and_none_beyond_the_distance() -> None:
    hashes = np.array([0b111, 0, -1, 0b1], np.int64)
    assert hashes_within(0, hashes, distance=3).tolist() == [1, 3, 0]
    assert hashes_within(-1, hashes, distance=0).tolist() == [2]


def test_a_hash_fits_a_signed_column_of_64_bits() -> None:
    hashes = [fingerprint(texture(seed)).hash for seed in range(20)]
    assert all(-(2**63) <= value < 2**63 for value in hashes)
    assert min(hashes) < 0


def test_flat_pictures_correlate_with_nothing() -> None:
    flat = fingerprint(np.full((64, 64), 0.5, np.float32))
    assert fine_correlation(flat.thumbnail, [flat.thumbnail]).tolist() == [0.0]
    assert fine_correlation(flat.thumbnail, []).shape == (0,)


def test_the_picture_is_left_as_it_is() -> None:
    picture = texture(1)
    before = picture.copy()
    fingerprint(picture)
    assert np.array_equal(picture, before)


def prints_of(
    folder: Path, dataset: str, *, stems: frozenset[str] = frozenset()
) -> list[tuple[str, str, Fingerprint]]:
    with (folder / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == dataset]
    return [
        (row["path"], row["group"], fingerprint(decode_image((folder / row["path"]).read_bytes()).pixels))
        for row in rows
        if not stems or Path(row["path"]).stem in stems
    ]


@pytest.mark.data
def test_no_two_adults_radiographs_are_taken_for_one(data_dir: Path) -> None:
    prints = prints_of(data_dir, "cxr_nih")
    hashes = np.array([given.hash for _, _, given in prints], np.int64)
    candidates = confirmed = 0
    for index, (_, group, given) in enumerate(prints):
        near = [at for at in hashes_within(given.hash, hashes[:index]) if prints[at][1] != group]
        found = fine_correlation(given.thumbnail, [prints[at][2].thumbnail for at in near])
        candidates += len(near)
        confirmed += int((found > MIN_CORRELATION).sum())
    assert candidates > 500, "the hash alone takes radiographs for each other"
    assert confirmed == 0


@pytest.mark.data
def test_a_radiograph_at_full_size_is_found_among_the_small_ones(data_dir: Path) -> None:
    originals = sorted((data_dir / "upload_samples_fullres").rglob("*.jpeg"))
    stems = frozenset(path.stem for path in originals)
    small = {Path(path).stem: given for path, _, given in prints_of(data_dir, "cxr_kermany", stems=stems)}
    found = [
        alike(fingerprint(decode_image(path.read_bytes()).pixels), small[path.stem]) for path in originals
    ]
    assert len(found) == 30
    assert all(found)
