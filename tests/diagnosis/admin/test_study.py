"""The pages of studies, images and analyses."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.admin_base import CountlessPaginator, FactsAdmin
from accounts.models import AuditEntry, User
from diagnosis.models import Analysis, Instance, Review, Study
from mlcore.admin.base import TableAdmin
from tests.diagnosis.admin.conftest import make_rows
from tests.diagnosis.admin.forms import address, said
from tests.factories import ReviewFactory, UserFactory

LogIn = Callable[[User], Client]


@pytest.fixture
def study(analysis: Analysis) -> Study:
    return analysis.instance.series.study


def information(study: Study, **changes: str) -> dict[str, str]:
    """Return the form of a study's page, with the management data of the tables below it."""
    tables = {
        f"{prefix}-{name}": "0"
        for prefix in ("series", "reviews")
        for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")
    }
    form = {"description": "", "patient_age_years": "", "patient_sex": "", "reason": "Seen in the letter."}
    return {**tables, **form, "expected_revision": str(study.revision), **changes}


@pytest.mark.parametrize("role", ["administrator", "steward"])
def test_the_information_is_edited_and_the_audit_trail_keeps_before_and_after(
    role: str, request: pytest.FixtureRequest, study: Study, log_in: LogIn
) -> None:
    client = log_in(request.getfixturevalue(role))
    page = address(Study, "change", study.pk)
    answer = client.post(
        page, information(study, description="chest, child", patient_age_years="4", patient_sex="F")
    )
    assert answer.status_code == 302
    study.refresh_from_db()
    assert (study.description, study.patient_age_years, study.patient.sex) == ("chest, child", 4, "F")
    assert study.revision == 2
    entry = AuditEntry.objects.get(action="study.edit", target_id=str(study.pk))
    assert entry.reason == "Seen in the letter."
    assert entry.details["before"]["patient_age_years"] is None
    assert entry.details["after"]["patient_age_years"] == 4
    history = client.get(address(Study, "history", study.pk)).content.decode()
    assert "study.edit" in history
    assert "Seen in the letter." in history


def test_the_information_is_not_edited_without_a_reason(
    administrator: User, study: Study, log_in: LogIn
) -> None:
    form = information(study, description="chest", reason="")
    answer = log_in(administrator).post(address(Study, "change", study.pk), form)
    assert answer.status_code == 200
    assert b"This field is required" in answer.content
    study.refresh_from_db()
    assert study.description == ""


def test_a_change_made_meanwhile_is_not_overwritten(administrator: User, study: Study, log_in: LogIn) -> None:
    form = information(study, description="mine")
    Study.objects.filter(pk=study.pk).update(description="theirs", revision=2)
    answer = log_in(administrator).post(address(Study, "change", study.pk), form, follow=True)
    assert "changed since you loaded it" in said(answer)
    study.refresh_from_db()
    assert study.description == "theirs"


def test_an_impossible_age_is_refused_in_words(administrator: User, study: Study, log_in: LogIn) -> None:
    form = information(study, patient_age_years="400")
    answer = log_in(administrator).post(address(Study, "change", study.pk), form, follow=True)
    assert answer.status_code == 200
    assert b"error" in answer.content
    study.refresh_from_db()
    assert study.patient_age_years is None


def test_an_auditor_reads_the_information_without_a_form(auditor: User, study: Study, log_in: LogIn) -> None:
    content = log_in(auditor).get(address(Study, "change", study.pk)).content.decode()
    assert study.study_instance_uid in content
    assert 'name="description"' not in content


def test_links_lead_from_study_to_series_to_image_to_analysis_to_finding(
    administrator: User, analysis: Analysis, log_in: LogIn
) -> None:
    client = log_in(administrator)
    series = analysis.instance.series
    finding = analysis.findings.get()
    chain = [series.study, series, analysis.instance, analysis, finding]
    for upper, lower in pairwise(chain):
        content = client.get(address(type(upper), "change", upper.pk)).content.decode()
        assert address(type(lower), "change", lower.pk) in content, (upper, lower)


def test_lists_are_narrowed_by_the_links_between_them(
    administrator: User, log_in: LogIn, analysis: Analysis
) -> None:
    make_rows(2)
    client = log_in(administrator)
    study = analysis.instance.series.study
    page = address(Instance, "changelist")
    answer = client.get(page, {"series__study__id__exact": str(study.pk)})
    assert [row.pk for row in answer.context["cl"].result_list] == [analysis.instance.pk]
    page = address(Study, "changelist")
    answer = client.get(page, {"owner__id__exact": str(study.owner_id)})
    assert [row.pk for row in answer.context["cl"].result_list] == [study.pk]


@pytest.mark.parametrize("known_by", ["pk", "study_instance_uid", "patient.pseudonym", "owner.email"])
def test_a_study_and_what_belongs_to_it_is_found_by_what_it_is_known_by(
    known_by: str, administrator: User, analysis: Analysis, log_in: LogIn
) -> None:
    make_rows(3)
    client = log_in(administrator)
    study = analysis.instance.series.study
    term: object = study
    for name in known_by.split("."):
        term = getattr(term, name)
    for model, row in ((Study, study), (Instance, analysis.instance), (Analysis, analysis)):
        answer = client.get(address(model, "changelist"), {"q": str(term)})
        assert [found.pk for found in answer.context["cl"].result_list] == [row.pk]


def test_a_search_for_what_is_unknown_finds_nothing(
    administrator: User, analysis: Analysis, log_in: LogIn
) -> None:
    answer = log_in(administrator).get(address(Study, "changelist"), {"q": "1.2.3"})
    assert list(answer.context["cl"].result_list) == []


def test_an_image_is_previewed_by_the_address_of_the_site(
    administrator: User, analysis: Analysis, log_in: LogIn
) -> None:
    instance = analysis.instance
    picture = reverse("diagnosis:instance-image", args=[instance.pk])
    client = log_in(administrator)
    assert f"{picture}?max_side=480" in client.get(address(Instance, "change", instance.pk)).content.decode()
    assert f"{picture}?max_side=64" in client.get(address(Instance, "changelist")).content.decode()


def test_a_review_is_found_by_who_wrote_it(administrator: User, analysis: Analysis, log_in: LogIn) -> None:
    written = ReviewFactory.create(reader=UserFactory.create(email="gone@example.org"))
    answer = log_in(administrator).get(address(Review, "changelist"), {"q": "gone@example.org"})
    assert [found.pk for found in answer.context["cl"].result_list] == [written.pk]


def test_a_list_says_that_it_was_not_counted_to_the_end(
    administrator: User, analysis: Analysis, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rows(3)
    monkeypatch.setattr(CountlessPaginator, "LIMIT", 2)
    content = log_in(administrator).get(address(Study, "changelist")).content.decode()
    assert "2 or more studies" in content


def test_a_far_page_works_nothing_out_for_the_pages_before_it(
    administrator: User, analysis: Analysis, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FactsAdmin, "list_per_page", 2)
    monkeypatch.setattr(TableAdmin, "list_per_page", 2)
    make_rows(4)
    client = log_in(administrator)
    with CaptureQueriesContext(connection) as asked:
        shown = client.get(address(Analysis, "changelist"), {"p": "2"}).context["cl"].result_list
    newest = list(Analysis.objects.order_by("-requested_at", "-pk"))
    assert list(shown) == newest[2:4]
    passing = [one["sql"] for one in asked if "OFFSET 2" in one["sql"]]
    assert passing
    assert not any("JOIN" in sql for sql in passing)
