"""Erasing takes two people and leaves nothing of the image, but what people did."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry, Role, User
from accounts.services.audit import verify_chain
from diagnosis import removal
from diagnosis.models import (
    Analysis,
    Erasure,
    ErasureState,
    Finding,
    Instance,
    Patient,
    Review,
    Study,
    Upload,
)
from diagnosis.models.study import NOT_RANKED
from diagnosis.selectors.images import thumbnail
from diagnosis.services.erasure import confirm_erasure, refuse_erasure, request_erasure
from diagnosis.services.intake import receive
from medimaging.common.errors import Conflict, NotAllowed
from medimaging.common.storage import store_content
from mlcore import similarity
from mlcore.forgetting import forget_image
from mlcore.material import FileCache, training_folder
from mlcore.models import ERASED, DatasetItem, Embedding, ItemState
from mlcore.services import datasets
from tests.factories import (
    AdministratorFactory,
    AnalysisFactory,
    DatasetItemFactory,
    ExplanationFactory,
    FindingFactory,
    InstanceFactory,
    ModelVersionFactory,
    ReviewFactory,
    UserFactory,
)
from tests.pictures import texture_png

SPACE = "erasure-1"
MAPS = (b"a map", b"a map that was asked for")


@pytest.fixture
def second(db: None) -> User:
    return AdministratorFactory.create(full_name="Second Administrator")


@pytest.fixture
def uploaded(reader: User) -> Instance:
    """Return an image that was handed in, with everything that the site works out of it."""
    version = ModelVersionFactory.create()
    upload = receive(texture_png(1), by=reader, source="page", examination_type=version.examination_type)
    assert upload.instance is not None
    instance: Instance = upload.instance
    thumbnail(instance)
    key, drawn = (store_content(content, kind="saliency", extension="png") for content in MAPS)
    finding = FindingFactory.create(analysis=instance.analyses.get(), saliency_key=key)
    ExplanationFactory.create(finding=finding, state="succeeded", saliency_key=drawn)
    vector = np.eye(8, dtype=np.float32)[0]
    similarity.remember(vector, embedding_version=SPACE, source_id=str(instance.pk), group="p")
    FileCache(training_folder() / "pictures" / "64-90").get(instance.content_key, lambda: np.zeros(3))
    DatasetItemFactory.create(
        content_key=instance.content_key, thumbnail=b"0" * 1024, perceptual_hash=5, source_id=str(instance.pk)
    )
    return instance


def files() -> set[str]:
    roots = [Path(settings.VAR_DIR) / "files", training_folder()]
    return {path.name for root in roots for path in root.rglob("*") if path.is_file()}


def test_nothing_of_the_image_is_left_behind(uploaded: Instance, administrator: User, second: User) -> None:
    digest = Path(uploaded.content_key).stem
    cached = hashlib.sha256(uploaded.content_key.encode()).hexdigest()
    before = files()
    erasure = request_erasure(uploaded, by=administrator, reason="The patient asked for it.")
    assert Instance.objects.filter(pk=uploaded.pk).exists()
    confirm_erasure(erasure, by=second, reason="Checked.")
    removal.remove_files(str(erasure.pk))

    erasure.refresh_from_db()
    assert (erasure.state, erasure.files, erasure.instance) == (ErasureState.ERASED, [], None)
    for model in (Instance, Analysis, Finding, Study, Patient, Embedding):
        assert not model._default_manager.exists(), model
    left = files()
    assert not [name for name in left if digest in name or cached in name]
    assert before - left == {
        *(name for name in before if digest in name or cached in name),
        *(name for name in before if any(hashlib.sha256(m).hexdigest() in name for m in MAPS)),
    }
    assert Upload.objects.get().instance is None


def test_dataset_items_are_marked_and_frozen_versions_no_longer_give_the_image_out(
    uploaded: Instance, administrator: User, second: User
) -> None:
    confirm_erasure(request_erasure(uploaded, by=administrator, reason="x"), by=second, reason="y")
    item = DatasetItem.objects.get()
    assert (item.state, item.state_reason) == (ItemState.EXCLUDED, ERASED)
    assert (item.thumbnail, item.perceptual_hash) == (None, None)
    with pytest.raises(Conflict, match="erased"):
        datasets.accept_item(item, by=administrator, reason="no")


def test_a_worker_that_holds_the_embedding_in_memory_drops_it(db: None) -> None:
    vector = np.eye(8, dtype=np.float32)[1]
    for key in ("a", "b"):
        similarity.remember(vector, embedding_version="erasure-2", source_id=key, group=key)
    found = similarity.nearest(vector, embedding_version="erasure-2", k=5, exclude_group="")
    assert {neighbor.key for neighbor in found} == {"a", "b"}
    forget_image(source_id="a", content_key="instances/a.png")
    found = similarity.nearest(vector, embedding_version="erasure-2", k=5, exclude_group="")
    assert {neighbor.key for neighbor in found} == {"b"}


def test_what_people_did_stays(uploaded: Instance, administrator: User, second: User) -> None:
    review = ReviewFactory.create(study=uploaded.series.study)
    confirm_erasure(request_erasure(uploaded, by=administrator, reason="x"), by=second, reason="Checked.")
    assert Review.objects.get().pk == review.pk
    study = Study.objects.get()
    assert (study.latest_analysis, study.ranked_probability) == (None, NOT_RANKED)
    entry = AuditEntry.objects.get(action="instance.erase")
    assert (entry.actor, entry.reason) == (second, "Checked.")
    assert entry.details["instance"] == str(uploaded.pk)
    assert entry.details["requested_by"] == str(administrator.pk)
    assert AuditEntry.objects.filter(target_id=str(uploaded.pk)).count() == 2  # accepted, asked to be erased
    assert verify_chain().is_whole


def test_who_asked_does_not_decide(uploaded: Instance, administrator: User) -> None:
    erasure = request_erasure(uploaded, by=administrator, reason="x")
    for decide in (confirm_erasure, refuse_erasure):
        with pytest.raises(NotAllowed, match="somebody else"):
            decide(erasure, by=administrator, reason="y")
    with pytest.raises(IntegrityError), transaction.atomic():
        Erasure.objects.filter(pk=erasure.pk).update(decided_by=administrator)
    assert Instance.objects.exists()


def test_a_steward_may_ask_and_not_decide_and_a_reader_neither(
    uploaded: Instance, reader: User, administrator: User
) -> None:
    steward = UserFactory.create(role=Role.DATA_STEWARD)
    with pytest.raises(NotAllowed):
        request_erasure(uploaded, by=reader, reason="mine")
    erasure = request_erasure(uploaded, by=administrator, reason="x")
    for user in (steward, reader):
        with pytest.raises(NotAllowed):
            confirm_erasure(erasure, by=user, reason="y")
    assert request_erasure(InstanceFactory.create(), by=steward, reason="x").state == ErasureState.REQUESTED


def test_an_image_is_asked_for_once_at_a_time_and_a_refusal_keeps_it(
    uploaded: Instance, administrator: User, second: User
) -> None:
    erasure = request_erasure(uploaded, by=administrator, reason="x")
    with pytest.raises(Conflict, match="already"):
        request_erasure(uploaded, by=second, reason="x")
    refuse_erasure(erasure, by=second, reason="It is needed.")
    with pytest.raises(Conflict):
        confirm_erasure(erasure, by=second, reason="after all")
    assert Instance.objects.exists()
    assert request_erasure(uploaded, by=second, reason="now").state == ErasureState.REQUESTED


def test_a_map_that_another_finding_shows_stays(
    uploaded: Instance, administrator: User, second: User
) -> None:
    key = Finding.objects.get().saliency_key
    other = AnalysisFactory.create()
    FindingFactory.create(analysis=other, saliency_key=key)
    erasure = request_erasure(uploaded, by=administrator, reason="x")
    confirm_erasure(erasure, by=second, reason="y")
    removal.remove_files(str(erasure.pk))
    assert default_storage.exists(key)


def test_what_a_dead_worker_left_is_finished_and_a_new_upload_of_the_same_bytes_is_not_harmed(
    uploaded: Instance, reader: User, administrator: User, second: User
) -> None:
    key, examination_type = uploaded.content_key, uploaded.series.study.examination_type
    erasure = request_erasure(uploaded, by=administrator, reason="x")
    confirm_erasure(erasure, by=second, reason="y")
    assert removal.unfinished_erasures() == [str(erasure.pk)]
    again = receive(texture_png(1), by=reader, source="page", examination_type=examination_type)
    removal.remove_files(str(erasure.pk))
    assert again.instance is not None
    assert again.instance.content_key == key
    assert default_storage.exists(key)
    assert removal.unfinished_erasures() == []
