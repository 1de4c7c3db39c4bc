"""Signed reviews become dataset items; what a model says never does."""

import ast
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import AuditEntry, Role
from diagnosis.models import ConditionState, Verdict
from diagnosis.services import curation
from diagnosis.services.conditions import (
    approve_condition,
    merge_condition,
    propose_condition,
    retire_condition,
)
from diagnosis.services.reviews import VerdictInput, amend_review, save_draft, sign_review, start_review
from medimaging.common.errors import Conflict
from medimaging.common.identity import identity_key
from medimaging.common.storage import store_content
from mlcore.engine.training.data import fold_of
from mlcore.models import CONSENT_WITHDRAWN, DatasetItem, DatasetLabel, ItemState, Supersession
from mlcore.services import datasets
from tests.factories import (
    AnalysisFactory,
    ConditionFactory,
    FindingFactory,
    InstanceFactory,
    PatientFactory,
    SeriesFactory,
    StudyFactory,
    UserFactory,
)
from tests.pictures import exported_again, texture_png

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def commits(django_capture_on_commit_callbacks):
    """Do what follows a commit, as if the test's transaction were committed."""

    def commit(act):
        with django_capture_on_commit_callbacks(execute=True):
            return act()

    return commit


@pytest.fixture
def study(reader):
    return StudyFactory.create(owner=reader)


@pytest.fixture
def condition(study):
    return ConditionFactory.create(examination_type=study.examination_type, code="pneumonia")


def add_image(study, seed, *, content=None, **values):
    key = store_content(content or texture_png(seed), kind="instances", extension="png")
    return InstanceFactory.create(series=SeriesFactory.create(study=study), content_key=key, **values)


@pytest.fixture
def instance(study):
    return add_image(study, 1)


def another_study(like, reader):
    return StudyFactory.create(
        owner=reader, examination_type=like.examination_type, patient=PatientFactory.create()
    )


@pytest.fixture
def sign(commits):
    """Return a function that writes and signs a review by the study's owner or somebody else."""

    def sign_it(study, verdicts, *, by=None, consent=True, amends=None):
        by = by or study.owner
        if by != study.owner:
            study.readers.add(by)
        draft = amend_review(amends, by=by, reason="second look") if amends else start_review(study, by=by)
        given = [VerdictInput(condition, verdict) for condition, verdict in verdicts.items()]
        draft = save_draft(draft, by=by, verdicts=given, training_consent=consent)
        return commits(lambda: sign_review(draft, by=by))

    return sign_it


def current():
    return {(label.condition, label.present): label.labeled_by for label in DatasetLabel.objects.current()}


def test_a_signed_review_becomes_an_accepted_item_with_its_label(study, instance, condition, reader, sign):
    review = sign(study, {condition: Verdict.PRESENT})
    item = DatasetItem.objects.get()
    assert (item.source_id, item.content_key, item.group) == (
        str(instance.pk),
        instance.content_key,
        str(study.patient_id),
    )
    # Of the first images a larger part goes to the test and validation folds.
    early = fold_of(str(study.patient_id), key=identity_key(), validation=0.2, test=0.3)
    assert item.fold == early
    assert (item.state, item.perceptual_hash is not None) == (ItemState.ACCEPTED, True)
    label = item.labels.get()
    assert (label.condition, label.present, label.labeled_by) == ("pneumonia", True, str(reader.pk))
    assert (label.origin_id, label.labeled_at, label.model_answer_seen) == (
        str(review.pk),
        review.signed_at,
        False,
    )


def test_the_item_is_entered_with_the_signature_and_placed_after_the_commit(
    study, instance, condition, reader
):
    draft = save_draft(
        start_review(study, by=reader),
        by=reader,
        verdicts=[VerdictInput(condition, Verdict.PRESENT)],
        training_consent=True,
    )
    sign_review(draft, by=reader)
    item = DatasetItem.objects.get()
    assert (item.state, item.labels.count()) == (ItemState.CANDIDATE, 1)
    DatasetItem.objects.update(added_at=study.created_at.replace(year=2020))
    assert datasets.settle_candidates() == 1
    item.refresh_from_db()
    assert item.state == ItemState.ACCEPTED


def test_a_label_says_whether_the_reader_had_seen_the_models_answer(study, instance, condition, sign):
    FindingFactory.create(
        analysis=AnalysisFactory.create(instance=instance, state="succeeded"), condition=condition
    )
    sign(study, {condition: Verdict.ABSENT})
    assert DatasetLabel.objects.get().model_answer_seen is True


def test_without_consent_nothing_is_kept(study, instance, condition, sign):
    sign(study, {condition: Verdict.PRESENT}, consent=False)
    assert not DatasetItem.objects.exists()


def test_uncertain_gives_no_label_and_no_item(study, instance, condition, sign):
    sign(study, {condition: Verdict.UNCERTAIN})
    assert not DatasetItem.objects.exists()


def test_every_image_that_the_study_held_becomes_an_item(study, instance, condition, sign, administrator):
    add_image(study, 2)
    sign(study, {condition: Verdict.PRESENT})
    add_image(study, 3)
    retire_condition(condition, by=administrator, reason="test")
    approve_condition(condition, by=administrator)
    assert DatasetItem.objects.count() == 2


def test_an_analysis_alone_makes_no_item(instance, condition):
    FindingFactory.create(
        analysis=AnalysisFactory.create(instance=instance, state="succeeded"),
        condition=condition,
        probability=1.0,
    )
    datasets.settle_candidates()
    assert not DatasetItem.objects.exists()
    assert not DatasetLabel.objects.exists()


def test_no_code_leads_from_a_models_finding_to_a_label():
    """What writes labels reads neither findings nor analyses, and nothing else writes labels."""
    makers = set()
    for app in ("accounts", "diagnosis", "mlcore", "medimaging"):
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
            names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
            if names & {"DatasetLabel", "Reading"} or "add_labels" in path.read_text():
                makers.add(path)
                assert not names & {"Finding", "Analysis", "Prediction", "FindingScore"}, path
    assert Path(curation.__file__) in makers
    suggested = Path(curation.__file__).read_text()
    assert "suggested_by_model" not in suggested


def test_an_amendment_takes_the_place_of_what_it_amends(study, instance, condition, sign):
    first = sign(study, {condition: Verdict.PRESENT})
    second = sign(study, {condition: Verdict.ABSENT}, amends=first)
    assert current() == {("pneumonia", False): str(study.owner_id)}
    ended = DatasetLabel.objects.get(origin_id=str(first.pk))
    assert (ended.present, ended.superseded_because) == (True, Supersession.AMENDED)
    assert DatasetLabel.objects.get(origin_id=str(second.pk)).superseded_at is None
    assert DatasetItem.objects.get().state == ItemState.ACCEPTED


def test_an_amendment_to_uncertain_leaves_no_label(study, instance, condition, sign):
    first = sign(study, {condition: Verdict.PRESENT})
    sign(study, {condition: Verdict.UNCERTAIN}, amends=first)
    assert current() == {}


def test_withdrawn_consent_excludes_the_item_and_no_steward_brings_it_back(
    study, instance, condition, sign, administrator, charlie
):
    first = sign(study, {condition: Verdict.PRESENT})
    sign(study, {condition: Verdict.PRESENT}, by=charlie)
    second = sign(study, {condition: Verdict.PRESENT}, consent=False, amends=first)
    item = DatasetItem.objects.get()
    assert (item.state, item.state_reason) == (ItemState.EXCLUDED, CONSENT_WITHDRAWN)
    assert AuditEntry.objects.filter(action="dataset_item.withdraw_consent").exists()
    with pytest.raises(Conflict, match="consent"):
        datasets.accept_item(item, by=administrator, reason="we need it")
    sign(study, {condition: Verdict.PRESENT}, amends=second)
    item.refresh_from_db()
    assert (item.state, item.state_reason) == (ItemState.ACCEPTED, "")


def test_two_readers_who_disagree_make_a_conflict_and_agreeing_again_ends_it(
    study, instance, condition, sign, charlie
):
    sign(study, {condition: Verdict.PRESENT})
    other = sign(study, {condition: Verdict.ABSENT}, by=charlie)
    item = DatasetItem.objects.get()
    assert (item.state, item.state_reason) == (ItemState.CONFLICTING, "Labels disagree on: pneumonia.")
    sign(study, {condition: Verdict.PRESENT}, by=charlie, amends=other)
    item.refresh_from_db()
    assert (item.state, item.state_reason) == (ItemState.ACCEPTED, "")


def test_another_export_of_a_picture_under_another_patient_waits(study, instance, condition, reader, sign):
    sign(study, {condition: Verdict.PRESENT})
    twin_study = another_study(study, reader)
    add_image(twin_study, 0, content=exported_again(texture_png(1)))
    sign(twin_study, {condition: Verdict.PRESENT})
    first, twin = DatasetItem.objects.order_by("added_at")
    assert (first.state, twin.state) == (ItemState.ACCEPTED, ItemState.NEAR_DUPLICATE)
    assert twin.near_duplicate_of == first


def test_another_export_of_a_picture_of_the_same_patient_does_not_wait(study, instance, condition, sign):
    add_image(study, 0, content=exported_again(texture_png(1)))
    sign(study, {condition: Verdict.PRESENT})
    assert {item.state for item in DatasetItem.objects.all()} == {ItemState.ACCEPTED}


def test_an_image_that_was_imported_under_another_name_is_the_same_item_and_brings_its_patient_along(
    study, instance, condition, sign
):
    imported = datasets.enter_item(
        study.examination_type, source_id="import:1", content_key=instance.content_key, group="imported"
    )
    add_image(study, 2)
    sign(study, {condition: Verdict.PRESENT})
    assert DatasetItem.objects.count() == 2
    assert {(item.group, item.fold) for item in DatasetItem.objects.all()} == {("imported", imported.fold)}


def test_an_image_that_may_show_a_name_is_left_to_the_steward(study, condition, sign):
    add_image(study, 1, burned_in_annotation=True)
    sign(study, {condition: Verdict.PRESENT})
    item = DatasetItem.objects.get()
    assert (item.state, item.state_reason) == (ItemState.EXCLUDED, curation.MAY_SHOW_A_NAME)


def test_labels_of_a_proposed_condition_are_held_until_it_is_approved(
    study, instance, reader, sign, administrator
):
    proposed = propose_condition(study.examination_type, name="COVID-19", by=reader)
    review = sign(study, {proposed: Verdict.PRESENT})
    assert not DatasetItem.objects.exists()
    approve_condition(proposed, by=administrator)
    label = DatasetLabel.objects.get()
    assert (label.condition, label.origin_id) == ("covid-19", str(review.pk))


def test_held_labels_of_an_amended_review_are_not_entered(study, instance, reader, sign, administrator):
    proposed = propose_condition(study.examination_type, name="COVID-19", by=reader)
    first = sign(study, {proposed: Verdict.PRESENT})
    sign(study, {proposed: Verdict.UNCERTAIN}, amends=first)
    approve_condition(proposed, by=administrator)
    assert not DatasetItem.objects.exists()


def test_a_proposal_that_is_merged_gives_its_labels_to_the_target(
    study, instance, condition, reader, sign, administrator
):
    proposed = propose_condition(study.examination_type, name="Lung inflammation", by=reader)
    sign(study, {proposed: Verdict.PRESENT})
    merge_condition(proposed, into=condition, by=administrator, reason="the same")
    assert list(current()) == [("pneumonia", True)]


def test_a_merge_relabels_and_keeps_the_history(study, instance, condition, sign, administrator):
    alias = ConditionFactory.create(examination_type=study.examination_type, code="alias")
    FindingFactory.create(analysis=AnalysisFactory.create(instance=instance), condition=alias)
    review = sign(study, {alias: Verdict.PRESENT})
    merge_condition(alias, into=condition, by=administrator, reason="the same")
    assert list(current()) == [("pneumonia", True)]
    ended = DatasetLabel.objects.get(condition="alias")
    assert (ended.superseded_because, ended.origin_id) == (Supersession.MERGED, str(review.pk))
    assert AuditEntry.objects.get(action="condition.merge").details == {
        "into": str(condition.pk),
        "relabeled": 1,
        "reviews": 0,
        "stale_findings": 1,
    }


def test_what_a_model_said_of_a_merged_or_retired_condition_is_stale(condition, administrator):
    finding = FindingFactory.create(condition=condition)
    assert not finding.is_stale
    retire_condition(condition, by=administrator, reason="unused")
    assert finding.is_stale
    approve_condition(condition, by=administrator)
    assert not finding.is_stale
    other = ConditionFactory.create(examination_type=condition.examination_type)
    merge_condition(condition, into=other, by=administrator, reason="the same")
    assert finding.is_stale


def test_merging_what_two_readers_called_by_two_names_can_make_a_conflict(
    study, instance, condition, sign, administrator, charlie
):
    alias = ConditionFactory.create(examination_type=study.examination_type, code="alias")
    sign(study, {alias: Verdict.PRESENT})
    sign(study, {condition: Verdict.ABSENT}, by=charlie)
    merge_condition(alias, into=condition, by=administrator, reason="the same")
    assert DatasetItem.objects.get().state == ItemState.CONFLICTING


def test_in_one_review_present_outweighs_absent_when_two_names_become_one(
    study, instance, condition, sign, administrator
):
    alias = ConditionFactory.create(examination_type=study.examination_type, code="alias")
    sign(study, {alias: Verdict.PRESENT, condition: Verdict.ABSENT})
    merge_condition(alias, into=condition, by=administrator, reason="the same")
    assert list(current()) == [("pneumonia", True)]
    assert DatasetItem.objects.get().state == ItemState.ACCEPTED


def test_labels_of_a_retired_condition_rest_until_it_is_used_again(
    study, instance, condition, sign, administrator
):
    sign(study, {condition: Verdict.PRESENT})
    retire_condition(condition, by=administrator, reason="unused")
    assert current() == {}
    assert DatasetLabel.objects.get().superseded_because == Supersession.RETIRED
    approve_condition(condition, by=administrator)
    assert list(current()) == [("pneumonia", True)]


def test_a_label_of_a_retired_condition_that_was_amended_does_not_come_back(
    study, instance, condition, sign, administrator
):
    other = ConditionFactory.create(examination_type=study.examination_type, code="other")
    first = sign(study, {condition: Verdict.PRESENT, other: Verdict.ABSENT})
    retire_condition(condition, by=administrator, reason="unused")
    sign(study, {other: Verdict.PRESENT}, amends=first)
    approve_condition(condition, by=administrator)
    assert list(current()) == [("other", True)]


def test_a_readers_own_proposal_counts_beside_what_is_approved(study, instance, condition, reader, sign):
    proposed = propose_condition(study.examination_type, name="New", by=reader)
    sign(study, {condition: Verdict.ABSENT, proposed: Verdict.PRESENT})
    assert list(current()) == [("pneumonia", False)]
    assert proposed.state == ConditionState.PROPOSED


def test_an_image_that_cannot_be_read_is_excluded_with_the_reason(study, condition, sign):
    InstanceFactory.create(series=SeriesFactory.create(study=study), content_key="instances/gone.png")
    sign(study, {condition: Verdict.PRESENT})
    item = DatasetItem.objects.get()
    assert (item.state, item.state_reason) == (ItemState.EXCLUDED, "The stored image cannot be read.")


def test_a_new_reading_does_not_undo_what_a_steward_decided(
    study, instance, condition, sign, charlie, administrator
):
    steward = UserFactory.create(role=Role.DATA_STEWARD)
    sign(study, {condition: Verdict.PRESENT})
    sign(study, {condition: Verdict.ABSENT}, by=charlie)
    datasets.resolve_conflict(
        DatasetItem.objects.get(), by=steward, labels={"pneumonia": False}, reason="CT says so"
    )
    retire_condition(condition, by=administrator, reason="test")
    approve_condition(condition, by=administrator)
    assert current() == {("pneumonia", False): str(steward.pk)}
