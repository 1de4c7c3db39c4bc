"""The most informative studies first: to whom they may be shown, in a constant number of queries."""

import numpy as np
import pytest
from django.core.cache import cache

from diagnosis.models import AnalysisState, Study
from diagnosis.selectors import informative
from diagnosis.selectors.informative import keys_in_order, most_informative
from diagnosis.selectors.worklist import filter_tab, worklist
from mlcore.models import Embedding
from tests.diagnosis.selectors.test_worklist import sign, study_with
from tests.factories import ModelVersionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(db):
    return ModelVersionFactory.create()


def placed(owner, *, angle, model, **values):
    """Return a study whose image lies in a direction of the plane."""
    study = study_with(owner, model_version=model, **values)
    turned = np.radians(angle)
    Embedding.objects.create(
        embedding_version=model.embedding_version,
        source_id=str(study.series.get().instances.get().pk),
        group=str(study.patient_id),
        vector=np.array([np.cos(turned), np.sin(turned)], "<f4").tobytes(),
    )
    return study


def order_of(user):
    keys = most_informative(filter_tab(worklist(user), "informative", user), user=user)
    return [Study.objects.get(pk=key) for key in keys]


def test_what_the_model_is_least_sure_of_comes_first_and_what_was_withheld_last(reader, model):
    sure = placed(reader, angle=0, model=model, probability=0.98)
    unsure = placed(reader, angle=90, model=model, probability=0.45)
    withheld = placed(
        reader, angle=180, model=model, state=AnalysisState.WITHHELD, withheld_reason="poor_quality"
    )
    assert order_of(reader) == [unsure, sure, withheld]


def test_what_resembles_a_signed_image_waits(reader, model):
    like = placed(reader, angle=1, model=model, probability=0.5)
    sign(placed(reader, angle=0, model=model, probability=0.5), suggested=True)
    unlike = placed(reader, angle=180, model=model, probability=0.42)
    assert order_of(reader) == [unlike, like]


def test_nobody_is_shown_what_is_not_theirs(reader, charlie, model):
    placed(reader, angle=0, model=model)
    assert order_of(charlie) == []


def test_a_blind_readers_order_does_not_hang_on_the_models_answers(reader, model):
    reader.blind_first = True
    reader.save()
    sign(placed(reader, angle=0, model=model), suggested=True)
    near = placed(reader, angle=20, model=model, probability=0.5)
    far = placed(reader, angle=180, model=model, probability=0.99)
    assert order_of(reader) == [far, near]


def test_a_study_without_a_vector_is_listed_behind_the_others(reader, model):
    bare = study_with(reader, model_version=model, probability=0.5)
    sure = placed(reader, angle=0, model=model, probability=0.99)
    assert order_of(reader) == [sure, bare]


def test_images_of_two_models_take_turns(reader, model):
    other = ModelVersionFactory.create(embedding_version="test-2")
    first = [placed(reader, angle=angle, model=model, probability=0.5) for angle in (0, 180)]
    second = [placed(reader, angle=angle, model=other, probability=0.9) for angle in (0, 180)]
    shown = order_of(reader)
    assert {study in first for study in shown[:2]} == {True, False}
    assert set(shown) == {*first, *second}


def test_the_order_takes_as_many_queries_for_many_studies_as_for_few(
    reader, model, django_assert_num_queries
):
    sign(placed(reader, angle=0, model=model), suggested=True)
    for count in (2, 6):
        for number in range(count):
            placed(reader, angle=40 * number, model=model)
        tab = filter_tab(worklist(reader), "informative", reader)
        with django_assert_num_queries(7):
            cache.clear()
            shown = most_informative(tab, user=reader)
        assert len(shown) == Study.objects.count() - 1


def test_the_order_stays_while_a_reader_goes_through_it(reader, model, django_assert_num_queries):
    sure = placed(reader, angle=0, model=model, probability=0.98)
    unsure = placed(reader, angle=90, model=model, probability=0.45)
    between = placed(reader, angle=200, model=model, probability=0.7)
    before = order_of(reader)
    assert before == [unsure, between, sure]
    sign(between, suggested=True)
    newest = placed(reader, angle=180, model=model, probability=0.5)
    assert order_of(reader) == [unsure, sure, newest]
    tab = filter_tab(worklist(reader), "informative", reader)
    with django_assert_num_queries(1):
        most_informative(tab, user=reader)
    cache.clear()
    assert order_of(reader) != [unsure, sure, newest]


def test_a_page_of_a_kept_order_looks_up_no_more_than_it_shows(
    reader, model, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(informative, "LOOKED_UP", 2)
    studies = [placed(reader, angle=40 * number, model=model) for number in range(6)]
    tab = filter_tab(worklist(reader), "informative", reader)
    kept = most_informative(tab, user=reader)
    sign(Study.objects.get(pk=kept[0]), suggested=True)
    with django_assert_num_queries(2):
        assert keys_in_order(tab, user=reader, begin=1, end=3) == kept[2:4]
    new = placed(reader, angle=300, model=model)
    assert keys_in_order(tab, user=reader, begin=0, end=len(studies) + 1) == [*kept[1:], new.pk]


def test_who_begins_to_read_blind_gets_an_order_of_his_own(reader, model):
    sign(placed(reader, angle=0, model=model), suggested=True)
    near = placed(reader, angle=60, model=model, probability=0.5)
    far = placed(reader, angle=180, model=model, probability=0.999)
    assert order_of(reader) == [near, far]
    reader.blind_first = True
    reader.save()
    assert order_of(reader) == [far, near]
