"""Lists go out as files and conditions come in by them, each time with an entry in the audit trail."""

import csv
import io
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.http import HttpResponse
from django.test import Client

from accounts.models import AuditEntry, Role, User
from diagnosis.models import Condition, ConditionState, Study
from mlcore.models import ExaminationType
from tests.diagnosis.admin.forms import address
from tests.factories import ConditionFactory, ExaminationTypeFactory, StudyFactory, UserFactory

LogIn = Callable[[User], Client]
HEAD = "examination_type,code,name,coding_scheme,coding_value,state\n"


def export(client: Client, model: type[models.Model], query: str = "") -> HttpResponse:
    return client.post(address(model, "export") + query, {"format": "0"})  # type: ignore[return-value]


def rows(answer: HttpResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def send(client: Client, text: str) -> HttpResponse:
    """Send a file, look at the preview, and confirm it where that is offered."""
    file = SimpleUploadedFile("conditions.csv", text.encode(), "text/csv")
    preview = client.post(address(Condition, "import"), {"import_file": file, "format": "0"})
    form = preview.context.get("confirm_form")
    if form is None:
        return preview  # type: ignore[return-value]
    return client.post(address(Condition, "process_import"), form.initial, follow=True)  # type: ignore[return-value]


def test_users_go_out_without_a_secret_and_it_is_noted(administrator: User, log_in: LogIn) -> None:
    UserFactory.create(email="formula@example.org", full_name="=HYPERLINK(1)")
    got = rows(export(log_in(administrator), User))
    (row,) = [row for row in got if row["email"] == "formula@example.org"]
    assert row["full_name"] == "'=HYPERLINK(1)"
    assert not {"password", "session_epoch"} & set(row)
    assert AuditEntry.objects.get(action="user.export").actor == administrator


def test_what_is_filtered_goes_out_filtered(administrator: User, log_in: LogIn) -> None:
    UserFactory.create(role=Role.AUDITOR)
    got = rows(export(log_in(administrator), User, "?role__exact=auditor"))
    assert [row["role"] for row in got] == ["auditor"]


def test_studies_go_out_without_identity(steward: User, log_in: LogIn) -> None:
    study = StudyFactory.create(description="Smith, John", patient_age_years=4)
    answer = export(log_in(steward), Study)
    (row,) = rows(answer)
    assert (row["id"], row["patient_age_years"], row["images"]) == (str(study.pk), "4", "0")
    for told in (study.patient.pseudonym, study.owner.email, study.study_instance_uid, "Smith"):
        assert told not in answer.content.decode()


@pytest.mark.parametrize("who", ["reader", "integrator", "charlie"])
def test_nobody_else_exports(who: str, reader: User, charlie: User, log_in: LogIn) -> None:
    people = {"reader": reader, "charlie": charlie, "integrator": UserFactory.create(role=Role.INTEGRATOR)}
    client = log_in(people[who])
    for model in (User, Study, Condition):
        assert export(client, model).status_code == 302
    assert not AuditEntry.objects.filter(action__endswith=".export").exists()


def test_a_steward_exports_no_users_and_an_auditor_imports_nothing(
    steward: User, auditor: User, log_in: LogIn
) -> None:
    assert export(log_in(steward), User).status_code == 403
    assert log_in(auditor).get(address(Condition, "import")).status_code == 403


def test_conditions_come_in_approved_and_known_ones_are_renamed(steward: User, log_in: LogIn) -> None:
    kind: ExaminationType = ExaminationTypeFactory.create(code="chest")
    known = ConditionFactory.create(
        examination_type=kind, code="edema", name="Edema", state=ConditionState.RETIRED
    )
    client = log_in(steward)
    send(
        client,
        f"{HEAD}chest,effusion,Pleural effusion,SCT,60046008,approved\nchest,edema,Oedema,,,approved\n",
    )
    made = Condition.objects.get(code="effusion")
    assert (made.state, made.proposed_by, made.coding_value) == (ConditionState.APPROVED, steward, "60046008")
    known.refresh_from_db()
    assert (known.name, known.state) == ("Oedema", ConditionState.RETIRED)
    actions = AuditEntry.objects.filter(actor=steward).values_list("action", flat=True)
    assert sorted(actions) == ["condition.change", "condition.create"]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}nowhere,effusion,Effusion,,,\n",
        f"{HEAD}chest,Not A Code!,Effusion,,,\n",
        f"{HEAD}chest,effusion,,,,\n",
        "a,b\n1,2\n",
        "",
    ],
)
def test_a_file_with_a_wrong_line_changes_nothing(text: str, steward: User, log_in: LogIn) -> None:
    ExaminationTypeFactory.create(code="chest")
    answer = send(log_in(steward), text)
    assert answer.status_code == 200
    assert not Condition.objects.exists()
    assert not AuditEntry.objects.exists()


def test_what_went_out_comes_in_unchanged(administrator: User, log_in: LogIn) -> None:
    condition = ConditionFactory.create(name="+Plus")
    client = log_in(administrator)
    text = export(client, Condition).content.decode()
    send(client, text.replace("'+Plus", "+Plus"))
    condition.refresh_from_db()
    assert condition.name == "+Plus"
    assert Condition.objects.count() == 1


def test_a_line_of_an_unknown_examination_type_says_which(steward: User, log_in: LogIn) -> None:
    answer = send(log_in(steward), HEAD + "nowhere,cyst,Cyst,,,\n")
    assert "There is no examination type with the code “nowhere”." in answer.content.decode()
    assert not Condition.objects.exists()
