"""Conditions and examination types are data that an administrator adds, edits and deletes."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from diagnosis.models import Condition, ConditionState
from mlcore.models import ExaminationType
from tests.diagnosis.admin.forms import address
from tests.factories import ConditionFactory, ExaminationTypeFactory, FindingFactory

LogIn = Callable[[User], Client]


@pytest.mark.parametrize("role", ["administrator", "steward"])
def test_a_condition_is_added_approved_and_recorded(
    role: str, request: pytest.FixtureRequest, db: None, log_in: LogIn
) -> None:
    user = request.getfixturevalue(role)
    examination_type = ExaminationTypeFactory.create()
    form = {
        "examination_type": str(examination_type.pk),
        "code": "covid-19",
        "name": "COVID-19",
        "coding_scheme": "SCT",
        "coding_value": "840539006",
    }
    answer = log_in(user).post(address(Condition, "add"), form)
    assert answer.status_code == 302
    condition = Condition.objects.get(code="covid-19")
    assert (condition.state, condition.proposed_by) == (ConditionState.APPROVED, user)
    entry = AuditEntry.objects.get(action="condition.create", target_id=str(condition.pk))
    assert entry.actor == user
    assert entry.details["after"]["name"] == "COVID-19"


def test_a_code_of_wrong_form_is_refused(administrator: User, log_in: LogIn) -> None:
    form = {"examination_type": str(ExaminationTypeFactory.create().pk), "code": "Bad Code", "name": "Bad"}
    answer = log_in(administrator).post(address(Condition, "add"), form)
    assert b"Use small letters, digits and single hyphens." in answer.content
    assert not Condition.objects.exists()
    assert not AuditEntry.objects.filter(action="condition.create").exists()


def test_a_condition_is_renamed_but_keeps_its_code_and_state(administrator: User, log_in: LogIn) -> None:
    condition = ConditionFactory.create(name="Pneumona", code="pneumonia")
    form = {"name": "Pneumonia", "code": "other", "state": "retired", "coding_scheme": "", "coding_value": ""}
    log_in(administrator).post(address(Condition, "change", condition.pk), form)
    condition.refresh_from_db()
    assert (condition.name, condition.code, condition.state) == ("Pneumonia", "pneumonia", "approved")
    entry = AuditEntry.objects.get(action="condition.change")
    assert entry.details == {"before": {"name": "Pneumona"}, "after": {"name": "Pneumonia"}}


def test_a_condition_without_history_is_deleted_and_its_words_are_kept_in_the_trail(
    administrator: User, log_in: LogIn
) -> None:
    condition = ConditionFactory.create(name="Typing error")
    log_in(administrator).post(address(Condition, "delete", condition.pk), {"post": "yes"})
    assert not Condition.objects.filter(pk=condition.pk).exists()
    entry = AuditEntry.objects.get(action="condition.delete", target_id=str(condition.pk))
    assert entry.details["before"]["name"] == "Typing error"


def test_a_condition_with_findings_is_kept_and_the_page_says_why(administrator: User, log_in: LogIn) -> None:
    condition = FindingFactory.create().condition
    client = log_in(administrator)
    page = address(Condition, "delete", condition.pk)
    content = client.get(page).content.decode()
    assert "has findings" in content
    assert "Retire it instead" in content
    client.post(page, {"post": "yes"})
    assert Condition.objects.filter(pk=condition.pk).exists()
    assert not AuditEntry.objects.filter(action="condition.delete").exists()


def test_several_conditions_are_deleted_each_with_its_entry(administrator: User, log_in: LogIn) -> None:
    rows = ConditionFactory.create_batch(2)
    form = {"action": "delete_selected", "_selected_action": [str(row.pk) for row in rows], "post": "yes"}
    log_in(administrator).post(address(Condition, "changelist"), form)
    assert not Condition.objects.exists()
    assert AuditEntry.objects.filter(action="condition.delete").count() == 2


def test_an_auditor_deletes_nothing(auditor: User, log_in: LogIn) -> None:
    condition = ConditionFactory.create()
    answer = log_in(auditor).post(address(Condition, "delete", condition.pk), {"post": "yes"})
    assert answer.status_code == 403
    assert Condition.objects.filter(pk=condition.pk).exists()


def test_an_examination_type_is_added_edited_and_deleted(administrator: User, log_in: LogIn) -> None:
    client = log_in(administrator)
    form = {
        "code": "brain-mri",
        "name": "Brain",
        "description": "",
        "modality": "MR",
        "body_part_examined": "BRAIN",
        "trains_after": "0",
    }
    client.post(address(ExaminationType, "add"), form)
    row = ExaminationType.objects.get(code="brain-mri")
    client.post(address(ExaminationType, "change", row.pk), {**form, "code": "other", "name": "Brain MRI"})
    row.refresh_from_db()
    assert (row.code, row.name) == ("brain-mri", "Brain MRI")
    client.post(address(ExaminationType, "delete", row.pk), {"post": "yes"})
    assert not ExaminationType.objects.filter(pk=row.pk).exists()
    actions = AuditEntry.objects.filter(target_type="mlcore.examinationtype").values_list("action", flat=True)
    assert sorted(actions) == [
        "examination_type.change",
        "examination_type.create",
        "examination_type.delete",
    ]


def test_an_examination_type_with_conditions_is_kept(administrator: User, log_in: LogIn) -> None:
    row = ConditionFactory.create().examination_type
    client = log_in(administrator)
    page = address(ExaminationType, "delete", row.pk)
    assert "has conditions" in client.get(page).content.decode()
    client.post(page, {"post": "yes"})
    assert ExaminationType.objects.filter(pk=row.pk).exists()
