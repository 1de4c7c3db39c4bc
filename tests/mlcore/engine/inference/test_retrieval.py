from __future__ import annotations

import numpy as np
import pytest

from mlcore.engine.inference.retrieval import EmbeddingIndex

SIZE = 16


def _filled(count: int, *, seed: int = 0, per_group: int = 1) -> tuple[EmbeddingIndex, np.ndarray]:
    vectors = np.random.default_rng(seed).normal(size=(count, SIZE)).astype(np.float32)
    index = EmbeddingIndex(SIZE)
    for number, vector in enumerate(vectors):
        index.add(f"image-{number:05d}", f"patient-{number // per_group}", vector)
    return index, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_neighbors_are_those_of_an_exhaustive_search_in_order():
    index, unit = _filled(3000)
    query = np.random.default_rng(9).normal(size=SIZE).astype(np.float32)

    found = index.search(query, k=10)

    expected = np.argsort(-(unit @ (query / np.linalg.norm(query))))[:10]
    assert [n.key for n in found] == [f"image-{i:05d}" for i in expected]
    assert [n.distance for n in found] == sorted(n.distance for n in found)


def test_an_image_is_at_no_distance_from_itself():
    index, unit = _filled(50)

    nearest = index.search(unit[7], k=1)[0]

    assert nearest.key == "image-00007"
    assert nearest.distance == pytest.approx(0.0, abs=1e-6)


def test_the_patients_own_images_never_come_back():
    index, unit = _filled(400, per_group=100)

    found = index.search(unit[0], k=200, exclude_group="patient-0")

    assert len(found) == 200
    assert {n.group for n in found} <= {"patient-1", "patient-2", "patient-3"}


def test_several_patients_can_be_left_out_and_so_can_the_image_itself():
    index, unit = _filled(40, per_group=10)

    found = index.search(unit[0], k=40, exclude_key="image-00039", exclude_groups={"patient-0", "patient-1"})

    assert len(found) == 19
    assert {n.group for n in found} == {"patient-2", "patient-3"}
    assert "image-00039" not in {n.key for n in found}


def test_one_image_of_a_patient_is_shown_when_that_is_asked_for():
    index, unit = _filled(100, per_group=10)

    found = index.search(unit[3], k=10, one_per_group=True)

    assert len({n.group for n in found}) == 10


def test_the_index_grows_past_its_first_capacity_and_keeps_what_it_held():
    index, unit = _filled(2500)

    assert len(index) == 2500
    assert index.search(unit[0], k=1)[0].key == "image-00000"
    assert index.search(unit[2499], k=1)[0].key == "image-02499"


def test_adding_a_key_again_replaces_its_vector():
    index, unit = _filled(10)

    index.add("image-00003", "patient-9", -unit[3])

    assert len(index) == 10
    assert index.search(-unit[3], k=1)[0].key == "image-00003"
    assert index.search(-unit[3], k=1)[0].group == "patient-9"


def test_a_removed_key_is_not_found_and_the_others_are():
    index, unit = _filled(10)

    index.remove("image-00002")
    index.remove("image-00002")

    assert "image-00002" not in index
    assert {n.key for n in index.search(unit[2], k=20)} == {f"image-{i:05d}" for i in range(10) if i != 2}
    assert index.search(unit[9], k=1)[0].key == "image-00009"


def test_equal_vectors_come_back_in_the_order_of_their_keys():
    index = EmbeddingIndex(SIZE)
    vector = np.ones(SIZE, np.float32)
    for key in ("c", "a", "b"):
        index.add(key, key, vector)

    assert [n.key for n in index.search(vector, k=3)] == ["a", "b", "c"]


def test_an_empty_index_finds_nothing():
    assert EmbeddingIndex(SIZE).search(np.ones(SIZE, np.float32), k=5) == []


@pytest.mark.parametrize("vector", [np.zeros(SIZE), np.full(SIZE, np.nan), np.ones(SIZE + 1)])
def test_a_vector_without_direction_or_of_another_size_is_refused(vector):
    with pytest.raises(ValueError, match="embedding"):
        EmbeddingIndex(SIZE).add("key", "group", vector.astype(np.float32))
