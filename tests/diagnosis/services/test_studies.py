"""Stored information is edited with a reason, and the trail keeps before and after."""

import pytest

from accounts.models import AuditEntry, Role
from diagnosis.models import Study
from diagnosis.services.studies import InvalidInformation, edit_information, share_study, unshare_study
from medimaging.common.errors import NotAllowed, StaleVersion
from tests.factories import StudyFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(reader):
    return StudyFactory.create(owner=reader, description="old")


def test_an_edit_changes_the_row_and_records_before_and_after(study, reader):
    changed = edit_information(
        study, by=reader, changes={"description": "new", "patient_sex": "F"}, reason="typing error"
    )
    assert (changed.description, changed.patient.sex, changed.revision) == ("new", "F", 2)
    entry = AuditEntry.objects.get(action="study.edit")
    assert entry.details == {
        "before": {"description": "old", "patient_sex": ""},
        "after": {"description": "new", "patient_sex": "F"},
    }


def test_what_does_not_change_is_not_recorded(study, reader):
    assert edit_information(study, by=reader, changes={"description": "old"}, reason="x").revision == 1
    assert not AuditEntry.objects.exists()


def test_an_edit_of_an_old_revision_is_refused(study, reader):
    with pytest.raises(StaleVersion):
        edit_information(study, by=reader, changes={"description": "x"}, reason="x", expected_revision=7)


@pytest.mark.parametrize(
    "changes", [{"patient_age_years": 300}, {"patient_sex": "Q"}, {"owner": None}, {"description": "x" * 300}]
)
def test_values_that_do_not_fit_are_refused(study, reader, changes):
    with pytest.raises(InvalidInformation):
        edit_information(study, by=reader, changes=changes, reason="x")
    study.refresh_from_db()
    assert (study.description, study.patient_age_years, study.revision) == ("old", None, 1)


def test_an_edit_needs_a_reason(study, reader):
    with pytest.raises(InvalidInformation, match="needs a reason"):
        edit_information(study, by=reader, changes={"description": "x"}, reason=" ")


def test_a_stranger_and_an_auditor_edit_nothing(study, charlie):
    for user in (charlie, UserFactory.create(role=Role.AUDITOR)):
        with pytest.raises(NotAllowed):
            edit_information(study, by=user, changes={"description": "x"}, reason="x")


def test_a_shared_study_is_seen_until_it_is_taken_away(study, reader, charlie):
    share_study(study, reader=charlie, by=reader, reason="second opinion")
    assert list(Study.objects.visible_to(charlie)) == [study]
    unshare_study(study, reader=charlie, by=reader)
    assert not Study.objects.visible_to(charlie).exists()
    assert AuditEntry.objects.filter(action__in=["study.share", "study.unshare"]).count() == 2


def test_a_stranger_cannot_share_a_study_with_themselves(study, charlie):
    with pytest.raises(NotAllowed):
        share_study(study, reader=charlie, by=charlie)


def test_a_suspended_user_sees_nothing_any_more(study, reader):
    reader.transition_to("suspended")
    assert not Study.objects.visible_to(reader).exists()
