"""What the actions of the administration pages do."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from diagnosis.models import Analysis, AnalysisState, Condition, ConditionState, Erasure, Instance, Study
from mlcore.models import DatasetItem, ItemState, ModelState, ModelVersion
from tests.diagnosis.admin.forms import address, perform, said
from tests.factories import AdministratorFactory, ConditionFactory, InstanceFactory, UserFactory

LogIn = Callable[[User], Client]


@pytest.mark.parametrize("role", ["administrator", "steward"])
def test_a_failed_analysis_waits_again_and_the_reason_is_kept(
    role: str, request: pytest.FixtureRequest, failed: Analysis, log_in: LogIn
) -> None:
    user = request.getfixturevalue(role)
    answer = perform(log_in(user), "retry", failed, reason="The disk was full.")
    failed.refresh_from_db()
    assert failed.state == AnalysisState.PENDING
    assert failed.failure_code == ""
    entry = AuditEntry.objects.get(action="analysis.retry", target_id=str(failed.pk))
    assert (entry.actor, entry.reason) == (user, "The disk was full.")
    assert "done for 1 of 1" in said(answer)


def test_an_action_without_a_reason_does_nothing(
    administrator: User, failed: Analysis, log_in: LogIn
) -> None:
    answer = perform(log_in(administrator), "retry", failed, reason="  ")
    assert b"This field is required" in answer.content
    failed.refresh_from_db()
    assert failed.state == AnalysisState.FAILED


def test_what_a_service_refuses_is_said_and_the_others_are_done(
    administrator: User, failed: Analysis, log_in: LogIn
) -> None:
    pending = InstanceFactory.create()
    other = Analysis.objects.create(instance=pending, model_version=failed.model_version)
    answer = perform(log_in(administrator), "retry", failed, other, reason="Again.")
    assert "cannot become pending" in said(answer)
    assert "done for 1 of 2" in said(answer)
    failed.refresh_from_db()
    assert failed.state == AnalysisState.PENDING


@pytest.mark.parametrize("role", ["auditor", "reader"])
def test_who_may_not_change_cannot_give_an_action(
    role: str, request: pytest.FixtureRequest, failed: Analysis, log_in: LogIn
) -> None:
    client = log_in(request.getfixturevalue(role))
    chosen = {"action": "retry", "_selected_action": [str(failed.pk)], "confirm": "1", "reason": "Mine."}
    client.post(address(Analysis, "changelist"), chosen)
    failed.refresh_from_db()
    assert failed.state == AnalysisState.FAILED
    assert not AuditEntry.objects.filter(action="analysis.retry").exists()


def test_an_image_is_analyzed_by_the_model_that_is_active_now(
    steward: User, analysis: Analysis, log_in: LogIn
) -> None:
    newer = _activate_another(analysis.model_version)
    perform(log_in(steward), "rerun", analysis.instance, reason="A new model.")
    fresh = Analysis.objects.get(instance=analysis.instance, model_version=newer)
    assert fresh.state == AnalysisState.PENDING
    assert fresh.requested_by == steward
    assert AuditEntry.objects.get(action="instance.analyze").reason == "A new model."


def test_analyzing_again_retries_what_failed(steward: User, failed: Analysis, log_in: LogIn) -> None:
    perform(log_in(steward), "rerun", failed.instance, reason="Try again.")
    failed.refresh_from_db()
    assert failed.state == AnalysisState.PENDING
    assert Analysis.objects.filter(instance=failed.instance).count() == 1


def test_analyzing_without_an_active_model_says_what_is_missing(
    steward: User, analysis: Analysis, log_in: LogIn
) -> None:
    ModelVersion.objects.update(state=ModelState.RETIRED)
    answer = perform(log_in(steward), "rerun", analysis.instance, reason="Try.")
    assert "Activate a model version" in said(answer)


def test_a_proposed_condition_is_approved_then_retired(
    administrator: User, analysis: Analysis, log_in: LogIn
) -> None:
    condition = ConditionFactory.create(state=ConditionState.PROPOSED)
    client = log_in(administrator)
    perform(client, "approve", condition, reason="Common here.")
    condition.refresh_from_db()
    assert condition.state == ConditionState.APPROVED
    perform(client, "retire", condition, reason="No longer used.")
    condition.refresh_from_db()
    assert condition.state == ConditionState.RETIRED
    actions = AuditEntry.objects.filter(target_id=str(condition.pk)).values_list("action", "reason")
    assert set(actions) == {
        ("condition.approve", "Common here."),
        ("condition.retire", "No longer used."),
    }


def test_a_condition_is_merged_into_the_one_that_is_chosen(
    administrator: User, analysis: Analysis, log_in: LogIn
) -> None:
    target = ConditionFactory.create(name="Pneumonia")
    twin = ConditionFactory.create(
        examination_type=target.examination_type, name="Pneumonias", state=ConditionState.PROPOSED
    )
    perform(log_in(administrator), "merge", twin, into=str(target.pk), reason="The same.")
    twin.refresh_from_db()
    assert (twin.state, twin.merged_into) == (ConditionState.MERGED, target)


def test_a_condition_is_not_merged_into_one_of_another_examination_type(
    administrator: User, analysis: Analysis, log_in: LogIn
) -> None:
    twin, stranger = ConditionFactory.create(), ConditionFactory.create()
    answer = perform(log_in(administrator), "merge", twin, into=str(stranger.pk), reason="The same.")
    assert "same type of examination" in said(answer)
    assert Condition.objects.get(pk=twin.pk).state == ConditionState.APPROVED


def test_studies_of_a_doctor_who_left_are_shared_with_a_colleague(
    steward: User, charlie: User, analysis: Analysis, log_in: LogIn
) -> None:
    study = analysis.instance.series.study
    client = log_in(steward)
    perform(client, "share", study, reader=charlie.email, reason="Takes over.")
    assert Study.objects.visible_to(charlie).filter(pk=study.pk).exists()
    assert AuditEntry.objects.get(action="study.share").reason == "Takes over."
    perform(client, "unshare", study, reader=charlie.email, reason="Came back.")
    assert not Study.objects.visible_to(charlie).exists()


def test_a_study_is_shared_only_with_a_user_who_exists_and_is_active(
    steward: User, analysis: Analysis, log_in: LogIn
) -> None:
    gone = UserFactory.create(status="suspended")
    study = analysis.instance.series.study
    for email in (gone.email, "nobody@example.org"):
        answer = perform(log_in(steward), "share", study, reader=email, reason="Takes over.")
        assert b"No active user has this address." in answer.content
    assert not study.readers.exists()


def _activate_another(version: ModelVersion) -> ModelVersion:
    ModelVersion.objects.filter(pk=version.pk).update(state=ModelState.RETIRED)
    fields = {field.name: getattr(version, field.name) for field in ModelVersion._meta.fields}
    changed = {"version": version.version + 1000, "artifact_sha256": "f" * 64, "state": ModelState.ACTIVE}
    del fields["id"]
    return ModelVersion.objects.create(**{**fields, **changed})


def test_the_page_of_a_row_offers_what_applies_to_it(
    administrator: User, failed: Analysis, log_in: LogIn
) -> None:
    client = log_in(administrator)
    page = address(Analysis, "change", failed.pk)
    button = address(Analysis, "action", failed.pk, "retry")
    assert button in client.get(page).content.decode()
    answer = client.post(button, {"confirm": "1", "reason": "Try again."})
    assert answer.status_code == 302
    failed.refresh_from_db()
    assert failed.state == AnalysisState.PENDING
    assert button not in client.get(page).content.decode()


def test_the_page_of_a_condition_offers_its_actions(administrator: User, log_in: LogIn) -> None:
    condition = ConditionFactory.create(state=ConditionState.PROPOSED)
    content = log_in(administrator).get(address(Condition, "change", condition.pk)).content.decode()
    for name in ("approve", "retire", "merge"):
        assert address(Condition, "action", condition.pk, name) in content


def test_an_auditor_cannot_use_a_button_by_its_address(
    auditor: User, failed: Analysis, log_in: LogIn
) -> None:
    button = address(Analysis, "action", failed.pk, "retry")
    client = log_in(auditor)
    assert button not in client.get(address(Analysis, "change", failed.pk)).content.decode()
    assert client.post(button, {"confirm": "1", "reason": "Mine."}).status_code == 404
    failed.refresh_from_db()
    assert failed.state == AnalysisState.FAILED


def test_an_open_analysis_is_cancelled(administrator: User, analysis: Analysis, log_in: LogIn) -> None:
    answer = perform(log_in(administrator), "cancel", analysis, reason="Not needed.")
    analysis.refresh_from_db()
    assert (analysis.state, analysis.failure_code) == (AnalysisState.FAILED, "cancelled")
    assert "done for 1 of 1" in said(answer)


def test_an_image_goes_into_quarantine_and_out_again(
    administrator: User, analysis: Analysis, log_in: LogIn
) -> None:
    client = log_in(administrator)
    perform(client, "quarantine", analysis.instance, reason="A name is burned in.")
    analysis.instance.refresh_from_db()
    assert analysis.instance.quarantined_at is not None
    page = client.get(address(Instance, "change", analysis.instance.pk)).content.decode()
    assert "Release from quarantine" in page
    perform(client, "release", analysis.instance, reason="It was not.")
    analysis.instance.refresh_from_db()
    assert analysis.instance.quarantined_at is None


def test_an_image_is_excluded_from_training(administrator: User, log_in: LogIn) -> None:
    instance = InstanceFactory.create()
    answer = perform(log_in(administrator), "exclude", instance, reason="A test image.")
    assert "done for 1 of 1" in said(answer)
    assert DatasetItem.objects.get(content_key=instance.content_key).state == ItemState.EXCLUDED


def test_erasing_takes_a_second_administrator(administrator: User, log_in: LogIn) -> None:
    instance = InstanceFactory.create()
    client = log_in(administrator)
    perform(client, "request_erasure", instance, reason="The patient asked for it.")
    erasure = Erasure.objects.get()
    refused = perform(client, "confirm_erasure", erasure, reason="Mine.")
    assert "somebody else decides" in said(refused)
    assert Instance.objects.filter(pk=instance.pk).exists()
    second = AdministratorFactory.create()
    answer = perform(log_in(second), "confirm_erasure", erasure, reason="Checked.")
    assert "done for 1 of 1" in said(answer)
    assert not Instance.objects.filter(pk=instance.pk).exists()


def test_a_steward_is_not_offered_to_confirm_an_erasure(
    steward: User, analysis: Analysis, log_in: LogIn
) -> None:
    erasure = Erasure.objects.get()
    page = log_in(steward).get(address(Erasure, "change", erasure.pk)).content.decode()
    assert "Confirm and erase" not in page
