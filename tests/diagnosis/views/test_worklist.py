"""The worklist: tabs, filters, order, pages, live rows, and a constant number of queries."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from diagnosis.dicom.deidentify import pseudonym
from diagnosis.models import Analysis, AnalysisState, Study
from diagnosis.services.reviews import VerdictInput, save_draft, sign_review, start_review
from mlcore.models import Embedding
from tests.diagnosis.views.conftest import Read, answered_study
from tests.factories import PatientFactory, StudyFactory

URL = "/"


def shown(client: Client, **query: str) -> list[str]:
    """Return the keys of the studies that the page lists, in its order."""
    return [str(study.pk) for study in client.get(URL, query).context["rows"]]


def test_the_worklist_stands_at_the_root() -> None:
    assert reverse("diagnosis:worklist") == URL


def test_it_lists_what_the_reader_may_see_and_nothing_else(page: Client, read: Read, charlie: User) -> None:
    StudyFactory.create(owner=charlie)
    assert shown(page) == [str(read.study.pk)]


def test_a_row_says_what_the_model_says(page: Client, read: Read) -> None:
    text = page.get(URL).content.decode()
    assert "Suggested" in text
    assert "83 %" in text
    assert f"/instances/{read.instance.pk}/image.png?max_side=160" in text


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("mine", 2),
        ("unread", 1),
        ("informative", 1),
        ("disagree", 1),
        ("failed", 0),
        ("all", 2),
        ("nonsense", 2),
    ],
)
def test_each_tab_shows_its_part_and_its_count(
    page: Client, reader: User, read: Read, tab: str, expected: int
) -> None:
    other = answered_study(reader, probability=0.1, seed=1)
    draft = start_review(other.study, by=reader)
    save_draft(draft, by=reader, verdicts=[VerdictInput(other.condition, "present")])
    sign_review(draft, by=reader)
    response = page.get(URL, {"tab": tab})
    assert len(response.context["rows"]) == expected
    counts = {key: count for key, _name, count in response.context["tabs"]}
    assert counts == {"mine": 2, "unread": 1, "informative": 1, "disagree": 1, "failed": 0, "all": 2}


def test_a_failed_analysis_is_found_under_its_tab(page: Client, read: Read) -> None:
    Analysis.objects.update(state=AnalysisState.FAILED, failure_code="unreadable_image")
    assert shown(page, tab="failed") == [str(read.study.pk)]


def test_filters_narrow_the_list(page: Client, reader: User, read: Read) -> None:
    other = answered_study(reader, probability=0.1, seed=1)
    first, second = str(read.study.pk), str(other.study.pk)
    assert shown(page, examination_type=str(other.study.examination_type_id)) == [second]
    assert shown(page, condition=str(read.condition.pk)) == [first]
    assert shown(page, condition=str(other.condition.pk)) == []
    assert shown(page, state="withheld") == []
    assert shown(page, signed="yes") == []
    assert set(shown(page, signed="no")) == {first, second}


def test_dates_narrow_the_list(page: Client, read: Read) -> None:
    Study.objects.update(created_at=timezone.now() - timedelta(days=10))
    day = (timezone.now() - timedelta(days=5)).date().isoformat()
    assert shown(page, received_from=day) == []
    assert shown(page, received_to=day) == [str(read.study.pk)]


def test_a_filter_that_makes_no_sense_is_left_out_and_said(page: Client, read: Read) -> None:
    response = page.get(URL, {"received_from": "yesterday", "q": ""})
    assert [study.pk for study in response.context["rows"]] == [read.study.pk]
    assert "Enter a valid date" in response.content.decode()


def test_search_finds_descriptions_and_pseudonyms(page: Client, read: Read) -> None:
    Study.objects.update(description="Follow-up after fever")
    assert shown(page, q="fever") == [str(read.study.pk)]
    assert shown(page, q=read.study.patient.pseudonym) == [str(read.study.pk)]
    assert shown(page, q="fracture") == []


def test_search_finds_a_patient_by_the_hospitals_own_identifier(
    page: Client, read: Read, settings: object
) -> None:
    key = str(getattr(settings, "IDENTITY_KEY")).encode()  # noqa: B009 - the fixture is untyped
    Study.objects.update(patient=PatientFactory.create(pseudonym=pseudonym("MRN-4711", key=key)))
    assert shown(page, q="MRN-4711") == [str(read.study.pk)]


def test_the_list_is_ordered_as_asked(page: Client, reader: User, read: Read) -> None:
    low = answered_study(reader, probability=0.1, seed=1)
    Study.objects.filter(pk=read.study.pk).update(created_at=timezone.now() - timedelta(days=1))
    first, second = str(read.study.pk), str(low.study.pk)
    assert shown(page, sort="newest") == [second, first]
    assert shown(page, sort="oldest") == [first, second]
    assert shown(page, sort="probability") == [first, second]


def test_a_tab_link_keeps_the_filters(page: Client, read: Read) -> None:
    assert "q=fever&amp;tab=unread" in page.get(URL, {"q": "fever", "tab": "all"}).content.decode()


def test_many_studies_come_in_pages(page: Client, reader: User) -> None:
    StudyFactory.create_batch(30, owner=reader)
    response = page.get(URL)
    assert len(response.context["rows"]) == 25
    assert "page=2" in response.content.decode()
    assert len(shown(page, page="2")) == 5
    assert shown(page, page="99") == shown(page)


def test_the_number_of_queries_does_not_grow_with_the_list(page: Client, reader: User, read: Read) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        page.get(URL)
    for seed in range(1, 9):
        answered_study(reader, seed=seed)
    with CaptureQueriesContext(connection) as many:
        page.get(URL)
    assert len(many) == len(few)


def test_rows_ask_again_while_an_analysis_runs_and_then_stop(page: Client, read: Read) -> None:
    Analysis.objects.update(state=AnalysisState.PENDING, finished_at=None)
    assert "every 1500ms" in page.get(URL).content.decode()
    Analysis.objects.update(state=AnalysisState.SUCCEEDED)
    rows = page.get(URL, headers={"HX-Request": "true"}).content.decode()
    assert "every 1500ms" not in rows
    assert rows.strip().startswith("<tbody")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, "No studies yet"),
        ({"q": "x"}, "No study matches"),
        ({"tab": "unread"}, "Everything is read"),
        ({"tab": "disagree"}, "No disagreement"),
        ({"tab": "failed"}, "Nothing has failed"),
    ],
)
def test_an_empty_list_says_what_to_do(page: Client, query: dict[str, str], words: str) -> None:
    assert words in page.get(URL, query).content.decode()


def test_a_blind_readers_list_does_not_give_answers_away(page: Client, reader: User, read: Read) -> None:
    User.objects.filter(pk=reader.pk).update(blind_first=True)
    text = page.get(URL).content.decode()
    assert "Hidden until you have read it" in text
    assert "83 %" not in text
    assert "Suggested</span>" not in text
    assert shown(page, condition=str(read.condition.pk)) == []
    assert shown(page, state="succeeded") == []


def test_a_blind_reader_is_not_told_where_a_colleague_disagreed_with_the_model(
    page: Client, reader: User, charlie: User, read: Read
) -> None:
    read.study.readers.add(charlie)
    draft = start_review(read.study, by=charlie)
    save_draft(draft, by=charlie, verdicts=[VerdictInput(read.condition, "absent")])
    sign_review(draft, by=charlie)
    assert shown(page, tab="disagree") == [str(read.study.pk)]
    User.objects.filter(pk=reader.pk).update(blind_first=True)
    response = page.get(URL, {"tab": "disagree"})
    assert not response.context["rows"]
    assert ("disagree", 0) in [(key, count) for key, _name, count in response.context["tabs"]]


def test_the_most_informative_come_first_unless_another_order_is_chosen(
    page: Client, reader: User, read: Read
) -> None:
    unsure = answered_study(reader, probability=0.5, seed=1)
    sure = answered_study(reader, probability=0.99, seed=2)
    for index, one in enumerate((read, unsure, sure)):
        vector = np.eye(3, dtype="<f4")[index].tobytes()
        Embedding.objects.create(
            embedding_version=one.analysis.model_version.embedding_version,
            source_id=str(one.instance.pk),
            group=str(index),
            vector=vector,
        )
    assert shown(page, tab="informative") == [str(one.study.pk) for one in (unsure, read, sure)]
    text = page.get(URL, {"tab": "informative"}).content.decode()
    assert "In the order in which the next training gains most" in text
    newest = shown(page, tab="informative", sort="newest")
    assert newest == [str(one.study.pk) for one in (sure, unsure, read)]
