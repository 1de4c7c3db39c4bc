"""Only what passed the gate against the model that answers becomes active; what was active may come back."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import AuditEntry, Role
from medimaging.common.errors import ApplicationError, NotAllowed
from mlcore.models import ModelState, ModelVersion
from mlcore.plans import NotPlanned
from mlcore.selectors import active_version
from mlcore.services.promotion import GateNotPassed, NothingBefore, obstacle, promote, roll_back
from tests.factories import ExaminationTypeFactory, GateReportFactory, ModelVersionFactory, UserFactory


@pytest.fixture
def kind(db):
    return ExaminationTypeFactory.create()


@pytest.fixture
def incumbent(kind):
    return ModelVersionFactory.create(examination_type=kind, version=1)


def candidate_of(kind, *, version, incumbent=None, **report):
    candidate = ModelVersionFactory.create(examination_type=kind, version=version, state=ModelState.CANDIDATE)
    if incumbent:
        GateReportFactory.create(candidate=candidate, incumbent=incumbent, **report)
    return candidate


def test_the_first_model_is_promoted_by_an_administrator_once_it_reaches_what_the_gate_asks_of_one(
    kind, administrator
):
    first = candidate_of(kind, version=1)
    with pytest.raises(GateNotPassed, match="never measured"):
        promote(first, by=administrator, reason="The first.")
    missed = {"name": "auroc.glioma", "passed": False}
    GateReportFactory.create(candidate=first, incumbent=None, passed=False, criteria=[missed])
    with pytest.raises(GateNotPassed, match=r"this one does not reach.*auroc\.glioma") as refused:
        promote(first, by=administrator, reason="The first.")
    assert "import more images" in refused.value.mend
    assert (obstacle(first).code, active_version(kind)) == ("gate_not_passed", None)
    GateReportFactory.create(candidate=first, incumbent=None)
    with pytest.raises(NotPlanned, match="by an administrator"):
        promote(first, by=None, reason="By itself.")
    assert obstacle(first) is None
    assert promote(first, by=administrator, reason="The first.").state == ModelState.ACTIVE


@pytest.mark.parametrize("report", [None, {"passed": False}])
def test_without_a_passed_gate_nobody_promotes(kind, incumbent, administrator, report):
    measured = {"incumbent": incumbent, **report} if report else {}
    candidate = candidate_of(kind, version=2, **measured)
    for by in (administrator, None):
        with pytest.raises(GateNotPassed):
            promote(candidate, by=by, reason="Please.")
    assert active_version(kind) == incumbent
    assert obstacle(candidate).code == "gate_not_passed"


def test_what_was_measured_when_no_model_answered_does_not_count_against_one(kind, incumbent, administrator):
    candidate = candidate_of(kind, version=2)
    GateReportFactory.create(candidate=candidate, incumbent=None)
    with pytest.raises(GateNotPassed, match="Another model answers now"):
        promote(candidate, by=administrator, reason="It passed.")


def test_a_later_report_that_fails_outweighs_an_earlier_one_that_passed(kind, incumbent, administrator):
    candidate = candidate_of(kind, version=2, incumbent=incumbent)
    GateReportFactory.create(candidate=candidate, incumbent=incumbent, passed=False)
    with pytest.raises(GateNotPassed):
        promote(candidate, by=administrator, reason="It passed once.")


def test_a_gate_against_another_incumbent_does_not_count(kind, incumbent, administrator):
    second = candidate_of(kind, version=2, incumbent=incumbent)
    third = candidate_of(kind, version=3, incumbent=incumbent)
    promote(second, by=administrator, reason="Passed.")
    with pytest.raises(GateNotPassed, match="Another model answers now"):
        promote(third, by=administrator, reason="Passed too.")


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
def test_only_an_administrator_decides(kind, incumbent, role):
    user = UserFactory.create(role=role)
    candidate = candidate_of(kind, version=2, incumbent=incumbent)
    with pytest.raises(NotAllowed):
        promote(candidate, by=user, reason="Mine.")
    with pytest.raises(NotAllowed):
        roll_back(kind, by=user, reason="Mine.")


def test_a_promotion_leaves_its_grounds_in_the_audit_trail(kind, incumbent, administrator):
    candidate = candidate_of(kind, version=2, incumbent=incumbent)
    promote(candidate, by=administrator, reason="Passed.")
    entry = AuditEntry.objects.get(action="model_version.activate")
    assert entry.actor == administrator
    assert entry.details["gate_report"] == str(candidate.gate_reports.get().pk)
    assert entry.details["retired"] == str(incumbent.pk)


def test_roll_backs_go_further_back_and_never_to_what_was_rolled_back_from(kind, incumbent, administrator):
    second = candidate_of(kind, version=2, incumbent=incumbent)
    promote(second, by=administrator, reason="Passed.")
    third = candidate_of(kind, version=3, incumbent=second)
    promote(third, by=administrator, reason="Passed.")
    assert roll_back(kind, by=administrator, reason="Bad.") == second
    assert roll_back(kind, by=administrator, reason="Worse.") == incumbent
    with pytest.raises(NothingBefore):
        roll_back(kind, by=administrator, reason="More.")
    fourth = candidate_of(kind, version=4, incumbent=incumbent)
    promote(fourth, by=administrator, reason="Passed.")
    assert roll_back(kind, by=administrator, reason="Bad again.") == incumbent


@pytest.mark.django_db(transaction=True)
def test_of_two_promotions_at_once_one_model_is_active(lifted_audit_triggers, administrator):
    kind = ExaminationTypeFactory.create()
    incumbent = ModelVersionFactory.create(examination_type=kind, version=1)
    candidates = [candidate_of(kind, version=n, incumbent=incumbent) for n in (2, 3, 4)]

    def attempt(candidate):
        try:
            promote(candidate, by=administrator, reason="Passed.")
        except ApplicationError as error:
            return error.code
        finally:
            connection.close()
        return "promoted"

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(attempt, candidates))
    assert outcomes.count("promoted") == 1, outcomes
    assert ModelVersion.objects.active().filter(examination_type=kind).count() == 1
