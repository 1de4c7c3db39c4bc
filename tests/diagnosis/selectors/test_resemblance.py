"""An image resembles a new condition where it lies among the signed images that carry it."""

import numpy as np
import pytest
from django.utils import timezone

from diagnosis.models import Analysis, AnalysisState, Condition, ConditionState, Review, ReviewState
from diagnosis.selectors.resemblance import resemblances
from mlcore.engine.types import WithheldReason
from mlcore.models import Embedding, ModelVersion
from mlcore.similarity import remember
from tests.factories import (
    AnalysisFactory,
    ConditionFactory,
    InstanceFactory,
    ReviewFactory,
    ReviewFindingFactory,
    StudyFactory,
)

EAST, NORTH = (1.0, 0.0), (0.0, 1.0)


@pytest.fixture
def asked(reader):
    """Return a succeeded analysis of the reader whose image lies in the east."""
    instance = InstanceFactory.create(series__study__owner=reader)
    kind = instance.series.study.examination_type
    version = {"examination_type": kind, "classes": ["pneumonia"]}
    analysis = AnalysisFactory.create(
        instance=instance,
        state=AnalysisState.SUCCEEDED,
        finished_at=timezone.now(),
        **{f"model_version__{name}": value for name, value in version.items()},
    )
    place(instance, EAST)
    return analysis


@pytest.fixture
def covid(asked):
    return ConditionFactory.create(examination_type=kind_of(asked), code="covid-19", name="COVID-19")


def kind_of(analysis):
    return analysis.instance.series.study.examination_type


def place(instance, where, *, embedding_version="test-1"):
    patient = str(instance.series.study.patient_id)
    vector = np.array(where, np.float32)
    space = {"embedding_version": embedding_version, "group": patient}
    remember(vector, source_id=str(instance.pk), layers=vector, **space)


def sign(analysis, condition, count, *, where, verdict="present", owner=None, patient=None, scatter=0.05):
    """Store signed images around `where`, each in a study of its own; return the reviews."""
    rng = np.random.default_rng(7)
    reviews = []
    for _ in range(count):
        of = {"patient": patient} if patient else {}
        study = StudyFactory.create(
            owner=owner or analysis.instance.series.study.owner, examination_type=kind_of(analysis), **of
        )
        instance = InstanceFactory.create(series__study=study)
        place(instance, np.array(where) + rng.normal(0, scatter, 2))
        review = ReviewFactory.create(study=study, state=ReviewState.SIGNED, signed_at=timezone.now())
        ReviewFindingFactory.create(review=review, condition=condition, verdict=verdict)
        reviews.append(review)
    return reviews


def found(analysis, user):
    study = analysis.instance.series.study
    return resemblances(
        Analysis.objects.select_related("model_version").get(pk=analysis.pk), study, user=user
    )


def test_an_image_among_signed_images_of_a_condition_resembles_it(asked, covid, reader):
    sign(asked, covid, 10, where=EAST)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    (one,) = found(asked, reader)
    assert one.condition == covid
    like = one.likeness
    assert (like.examples, like.examples_named, like.others, like.others_named) == (10, 10, 10, 0)


def test_an_image_far_from_them_does_not(asked, covid, reader):
    sign(asked, covid, 10, where=NORTH)
    sign(asked, covid, 10, where=EAST, verdict="absent")
    assert found(asked, reader) == []


def test_nine_examples_are_too_few_and_without_others_nothing_is_said(asked, covid, reader):
    sign(asked, covid, 9, where=EAST)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    assert found(asked, reader) == []
    Review.objects.filter(findings__verdict="absent").delete()
    sign(asked, covid, 1, where=EAST)
    assert found(asked, reader) == []


def test_only_images_that_the_user_may_see_count(asked, covid, reader, charlie):
    sign(asked, covid, 10, where=EAST, owner=charlie)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    assert found(asked, reader) == []
    asked.instance.series.study.readers.add(charlie)
    assert found(asked, charlie) == []


def test_images_of_the_same_patient_do_not_count(asked, covid, reader):
    sign(asked, covid, 10, where=EAST, patient=asked.instance.series.study.patient)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    assert found(asked, reader) == []


def test_images_on_which_readers_disagree_do_not_count_as_carrying_it(asked, covid, reader):
    reviews = sign(asked, covid, 10, where=EAST)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    other = ReviewFactory.create(study=reviews[0].study, state=ReviewState.SIGNED, signed_at=timezone.now())
    ReviewFindingFactory.create(review=other, condition=covid, verdict="absent")
    assert found(asked, reader) == []


def test_an_amended_review_no_longer_speaks(asked, covid, reader):
    reviews = sign(asked, covid, 10, where=EAST)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    ReviewFactory.create(
        study=reviews[0].study,
        state=ReviewState.SIGNED,
        signed_at=timezone.now(),
        amends=reviews[0],
        amendment_reason="Wrong.",
    )
    assert found(asked, reader) == []


def test_signatures_under_a_name_that_was_merged_count_for_the_other(asked, covid, reader):
    old = ConditionFactory.create(
        examination_type=kind_of(asked), state=ConditionState.MERGED, merged_into=covid
    )
    sign(asked, old, 10, where=EAST)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    assert [one.condition for one in found(asked, reader)] == [covid]


def test_a_condition_with_an_output_or_without_approval_is_left_out(asked, covid, reader):
    sign(asked, covid, 10, where=EAST)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    Condition.objects.update(state=ConditionState.PROPOSED)
    assert found(asked, reader) == []
    Condition.objects.update(state=ConditionState.APPROVED)
    ModelVersion.objects.update(classes=["pneumonia", "covid-19"])
    assert found(asked, reader) == []


def test_another_space_of_embeddings_is_not_mixed_in(asked, covid, reader):
    sign(asked, covid, 10, where=EAST)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    ModelVersion.objects.update(embedding_version="test-2")
    place(asked.instance, EAST, embedding_version="test-2")
    assert found(asked, reader) == []


@pytest.mark.parametrize("reason", WithheldReason)
def test_what_is_far_from_the_models_images_is_compared_and_what_cannot_be_read_is_not(
    asked, covid, reader, reason
):
    sign(asked, covid, 10, where=EAST)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    Analysis.objects.update(state=AnalysisState.WITHHELD, withheld_reason=reason.value)
    expected = [covid] if reason == WithheldReason.OUT_OF_DISTRIBUTION else []
    assert [one.condition for one in found(asked, reader)] == expected


def test_images_of_which_a_reader_is_not_sure_count_for_neither_side(asked, covid, reader):
    sign(asked, covid, 10, where=EAST)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    sign(asked, covid, 10, where=EAST, verdict="uncertain")
    (one,) = found(asked, reader)
    assert (one.likeness.examples, one.likeness.others) == (10, 10)


def test_images_that_were_stored_without_their_layers_are_passed_over_until_seen_again(asked, covid, reader):
    sign(asked, covid, 10, where=EAST)
    sign(asked, covid, 10, where=NORTH, verdict="absent")
    Embedding.objects.update(layers=None)
    assert found(asked, reader) == []
    for row in Embedding.objects.all():
        vector = np.frombuffer(bytes(row.vector), "<f4")
        space = {"embedding_version": row.embedding_version, "group": row.group}
        remember(vector, source_id=row.source_id, layers=vector, **space)
    assert [one.condition for one in found(asked, reader)] == [covid]


def test_the_number_of_queries_is_constant(asked, covid, reader, django_assert_max_num_queries):
    sign(asked, covid, 25, where=EAST)
    sign(asked, covid, 30, where=NORTH, verdict="absent")
    analysis = Analysis.objects.select_related("model_version").get(pk=asked.pk)
    with django_assert_max_num_queries(8):
        assert resemblances(analysis, asked.instance.series.study, user=reader)
