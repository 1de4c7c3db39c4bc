"""A change control plan says what may change, how it is measured and what may go wrong; it is enforced."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry, Role
from medimaging.common.errors import NotAllowed
from mlcore.engine.evaluation.limits import Limits
from mlcore.models import ChangeKind, GateReport, ImpactAssessment, LimitName, ModelState, ProtocolLimit
from mlcore.plans import NotPlanned, TooLittleMeasured, changes_of, limits_of, plan_in_force
from mlcore.selectors import active_version
from mlcore.selectors.change_report import change_report
from mlcore.services.change_plans import InvalidPlan, adopt_plan
from mlcore.services.promotion import GateNotPassed, obstacle, promote
from tests.factories import (
    ExaminationTypeFactory,
    GateReportFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def kind():
    return ExaminationTypeFactory.create()


@pytest.fixture
def incumbent(kind):
    return ModelVersionFactory.create(examination_type=kind, version=1, classes=["a"])


def candidate_of(kind, incumbent, *, trained="quick", **values):
    candidate = ModelVersionFactory.create(
        **{"examination_type": kind, "version": 2, "state": ModelState.CANDIDATE, "classes": ["a"], **values}
    )
    if trained:
        TrainingRunFactory.create(examination_type=kind, kind=trained, state="succeeded", candidate=candidate)
    GateReportFactory.create(candidate=candidate, incumbent=incumbent)
    return candidate


def test_a_type_begins_with_the_plan_of_the_software_in_three_parts(kind):
    plan = plan_in_force(kind)
    assert (plan.number, plan.adopted_by) == (1, None)
    assert {row.change for row in plan.changes.all()} == set(ChangeKind.values)
    assert limits_of(plan) == Limits()
    assert ImpactAssessment.objects.filter(planned_change__plan=plan).count() == len(ChangeKind)
    assert plan_in_force(kind) == plan
    assert AuditEntry.objects.filter(action="change_plan.adopt").count() == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {ChangeKind.NEW_HEAD}),
        ({"trained": "full"}, {ChangeKind.NEW_WEIGHTS}),
        ({"trained": "full", "architecture": "resnet18"}, {ChangeKind.NEW_ARCHITECTURE}),
        ({"trained": ""}, {ChangeKind.MADE_ELSEWHERE}),
        ({"classes": ["a", "b"]}, {ChangeKind.NEW_HEAD, ChangeKind.NEW_CONDITION}),
    ],
)
def test_what_a_candidate_changes_is_told_from_how_it_was_made(kind, incumbent, values, expected):
    assert set(changes_of(candidate_of(kind, incumbent, **values), incumbent=incumbent)) == expected


def test_what_the_plan_does_not_cover_is_not_promoted_whoever_asks(kind, incumbent, administrator):
    adopt_plan(kind, by=administrator, reason="Heads alone.", changes=[ChangeKind.NEW_HEAD])
    candidate = candidate_of(kind, incumbent, trained="full")
    for by in (administrator, None):
        with pytest.raises(NotPlanned, match="does not cover: new weights of the same architecture"):
            promote(candidate, by=by, reason="Passed.")
    assert active_version(kind) == incumbent


def test_a_new_condition_waits_for_an_administrator_even_where_the_type_promotes_by_itself(
    kind, incumbent, administrator
):
    candidate = candidate_of(kind, incumbent, classes=["a", "b"])
    with pytest.raises(NotPlanned, match="an administrator decides about: an output for a further condition"):
        promote(candidate, by=None, reason="By itself.")
    assert promote(candidate, by=administrator, reason="Looked at it.").state == ModelState.ACTIVE


def test_a_head_is_promoted_by_itself(kind, incumbent):
    assert promote(candidate_of(kind, incumbent), by=None, reason="By itself.").state == ModelState.ACTIVE


def test_where_the_test_images_would_miss_too_large_a_loss_a_head_waits_for_an_administrator(
    kind, incumbent, administrator
):
    candidate = candidate_of(kind, incumbent)
    reports = GateReport.objects.filter(candidate=candidate)
    weak = {"name": "sensitivity.a", "patients": 37, "may_lose": 1, "loss": 0.079}
    for figures, words in (({"power": [weak]}, "On 37 test patients.*7.9 points"), ({}, "not worked out")):
        reports.update(figures=figures)
        with pytest.raises(TooLittleMeasured, match=words):
            promote(candidate, by=None, reason="By itself.")
    assert obstacle(candidate, automatic=True).code == "too_little_measured"
    assert promote(candidate, by=administrator, reason="Looked at it.").state == ModelState.ACTIVE


def test_a_change_without_an_impact_assessment_is_not_covered(kind, incumbent, administrator):
    candidate = candidate_of(kind, incumbent)
    ImpactAssessment.objects.all().delete()
    with pytest.raises(NotPlanned):
        promote(candidate, by=administrator, reason="Passed.")


def test_a_candidate_measured_under_the_plan_before_is_measured_again(kind, incumbent, administrator):
    candidate = candidate_of(kind, incumbent)
    adopt_plan(kind, by=administrator, reason="Stricter.", changes=ChangeKind.values)
    with pytest.raises(GateNotPassed, match="Another change control plan is in force"):
        promote(candidate, by=administrator, reason="Passed.")


def test_an_adopted_plan_gives_the_gate_its_limits_and_keeps_the_one_before(kind, administrator):
    before = plan_in_force(kind)
    plan = adopt_plan(
        kind,
        by=administrator,
        reason="No flips.",
        changes=[ChangeKind.NEW_HEAD],
        automatic=[ChangeKind.NEW_HEAD],
        limits={LimitName.NEGATIVE_FLIPS: 0.0},
        impacts={ChangeKind.NEW_HEAD: ("A risk.", "A mitigation.")},
    )
    assert (plan.number, limits_of(plan).negative_flips) == (2, 0.0)
    assert plan.changes.get().impact.risk == "A risk."
    assert limits_of(before) == Limits()
    entry = AuditEntry.objects.get(action="change_plan.adopt", actor=administrator)
    assert entry.details["limits"]["negative_flips"] == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"limits": {"negative_flips": 2.0}},
        {"limits": {"rounds": 1}},
        {"changes": ["everything"]},
        {"changes": [], "automatic": [ChangeKind.NEW_HEAD]},
        {"reason": " "},
    ],
)
def test_what_is_no_plan_is_refused(kind, administrator, wrong):
    with pytest.raises(InvalidPlan):
        adopt_plan(kind, **{"by": administrator, "reason": "x", "changes": ChangeKind.values, **wrong})


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
def test_only_an_administrator_adopts(kind, role):
    with pytest.raises(NotAllowed):
        adopt_plan(kind, by=UserFactory.create(role=role), reason="Mine.", changes=ChangeKind.values)


def test_the_database_refuses_a_limit_that_is_no_part(kind):
    plan = plan_in_force(kind)
    with pytest.raises(IntegrityError), transaction.atomic():
        ProtocolLimit.objects.filter(plan=plan).update(value=1.5)


def test_the_change_report_holds_the_plan(kind, incumbent):
    report = change_report(candidate_of(kind, incumbent))["plan"]
    assert report["number"] == 1
    assert {row["change"] for row in report["changes"]} == set(ChangeKind.values)
    assert report["limits"]["negative_flips"] == 0.02
    assert report["impacts"]["new_head"]["mitigation"]
