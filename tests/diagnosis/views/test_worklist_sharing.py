"""Sharing the work out: assigning studies, keeping filters, taking the list out as a file."""

import csv
from io import StringIO
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Role, User
from diagnosis.models import Assignment, SavedFilter, Study
from tests.diagnosis.views.conftest import Read, answered_study
from tests.factories import UserFactory

ASSIGN = "/worklist/assign/"
KEEP = "/worklist/filters/"


@pytest.fixture
def office(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


def test_an_assigned_study_is_shared_audited_and_waits_on_the_readers_list(
    office: Client, read: Read, charlie: User
) -> None:
    answer = office.post(ASSIGN, {"studies": [read.study.pk], "reader": charlie.pk, "query": "tab=unread"})
    assert answer["Location"] == "/?tab=unread"
    assert Study.objects.visible_to(charlie).get() == read.study
    entry = AuditEntry.objects.get(action="study.assign")
    assert (entry.target_id, entry.details) == (str(read.study.pk), {"reader": str(charlie.pk)})
    theirs = Client()
    theirs.force_login(charlie)
    text = theirs.get("/", {"tab": "mine"}).content.decode()
    assert "1 study was assigned to you" in text
    assert "Assigned to you by Ada Administrator" in text
    theirs.get(reverse("diagnosis:study", args=[read.study.pk]))
    assert "was assigned to you" not in theirs.get("/").content.decode()


def test_assigning_twice_asks_once(office: Client, read: Read, charlie: User) -> None:
    for _ in range(2):
        office.post(ASSIGN, {"studies": [read.study.pk], "reader": charlie.pk})
    assert Assignment.objects.count() == 1
    assert AuditEntry.objects.filter(action="study.assign").count() == 1


@pytest.mark.parametrize("role", [Role.READER, Role.AUDITOR, Role.INTEGRATOR])
def test_only_those_who_look_after_the_list_assign(
    client: Client, read: Read, charlie: User, role: Role
) -> None:
    user = UserFactory.create(role=role)
    read.study.readers.add(user)
    client.force_login(user)
    answer = client.post(ASSIGN, {"studies": [read.study.pk], "reader": charlie.pk})
    assert answer.status_code == 403
    assert not Assignment.objects.exists()
    assert "Assign to" not in client.get("/").content.decode()


def test_nobody_is_assigned_who_cannot_read(office: Client, read: Read) -> None:
    auditor = UserFactory.create(role=Role.AUDITOR)
    answer = office.post(ASSIGN, {"studies": [read.study.pk], "reader": auditor.pk})
    assert answer.status_code == 422
    assert not Assignment.objects.exists()


def test_assigning_nothing_says_what_is_missing(office: Client) -> None:
    text = office.post(ASSIGN, {}).content.decode()
    assert "Choose at least one study first." in text
    assert "Choose who is to read them." in text


def test_a_filter_is_kept_under_a_name_and_deleted_again(page: Client, reader: User) -> None:
    answer = page.post(KEEP, {"name": "Withheld ones", "query": "tab=all&state=withheld"})
    assert answer["Location"] == "/?tab=all&state=withheld"
    text = page.get("/", {"tab": "all", "state": "withheld"}).content.decode()
    assert '<a href="?tab=all&amp;state=withheld" aria-current="page">Withheld ones</a>' in text
    saved = reader.saved_filters.get()
    page.post(f"{KEEP}{saved.pk}/forget/", {"query": "tab=mine"})
    assert not SavedFilter.objects.exists()


def test_a_name_that_is_taken_gets_the_new_filter(page: Client, reader: User) -> None:
    for query in ("tab=mine", "tab=unread"):
        page.post(KEEP, {"name": "Morning", "query": query})
    assert reader.saved_filters.get().query == "tab=unread"


def test_a_strangers_filter_does_not_exist(page: Client, charlie: User) -> None:
    saved = SavedFilter.objects.create(user=charlie, name="Mine", query="tab=mine")
    assert "Mine</a>" not in page.get("/").content.decode()
    assert page.post(f"{KEEP}{saved.pk}/forget/").status_code == 404
    assert page.post(f"{KEEP}{uuid4()}/forget/").status_code == 404
    assert SavedFilter.objects.exists()


def test_a_kept_filter_never_leads_off_the_site(page: Client) -> None:
    answer = page.post(KEEP, {"name": "Away", "query": "//evil.example/"})
    assert answer["Location"].startswith("/?")


def exported(client: Client, **query: str) -> list[dict[str, str]]:
    answer = client.get("/worklist.csv", query)
    assert answer.streaming
    text = b"".join(answer).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def test_the_export_holds_what_the_filters_show_and_is_audited(
    page: Client, reader: User, read: Read
) -> None:
    failing = answered_study(reader, seed=1, probability=0.1)
    rows = exported(page, tab="all", sort="oldest")
    assert [row["study"] for row in rows] == [str(read.study.pk), str(failing.study.pk)]
    assert (rows[0]["top_condition"], rows[0]["suggested"]) == ("Pneumonia", "yes")
    assert rows[0]["address"] == f"http://testserver/studies/{read.study.pk}/"
    assert exported(page, tab="failed") == []
    entries = AuditEntry.objects.filter(action="worklist.export").order_by("sequence")
    assert [entry.details["studies"] for entry in entries] == [2, 0]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_no_cell_of_the_export_is_a_formula(page: Client, read: Read, start: str) -> None:
    Study.objects.update(description=f'{start}HYPERLINK("http://evil.example")')
    (row,) = exported(page)
    assert row["description"].startswith("'")


def test_a_strangers_export_is_empty(client: Client, charlie: User, read: Read) -> None:
    client.force_login(charlie)
    assert exported(client) == []


def test_a_blind_readers_export_does_not_give_answers_away(page: Client, reader: User, read: Read) -> None:
    User.objects.filter(pk=reader.pk).update(blind_first=True)
    (row,) = exported(page)
    answers = ("top_condition", "top_probability", "suggested", "reader_and_model_disagree")
    assert [row[name] for name in answers] == [""] * 4
    assert row["analysis_state"] == "hidden"


def test_counts_stop_where_they_only_cost(page: Client, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    from diagnosis.selectors.worklist import tab_counts

    answered_study(read.study.owner, seed=1)
    assert tab_counts(read.study.owner, most=1)["all"] == 2
    assert tab_counts(read.study.owner, most=5)["all"] == 2


def test_the_next_page_is_known_without_counting(page: Client, reader: User, read: Read) -> None:
    from diagnosis.selectors import worklist_page
    from diagnosis.selectors.worklist_search import Criteria

    for seed in range(1, worklist_page.PAGE_SIZE + 1):
        answered_study(reader, seed=seed)
    first = worklist_page.worklist_page(reader, tab="all", criteria=Criteria(), number=1)
    second = worklist_page.worklist_page(reader, tab="all", criteria=Criteria(), number=2)
    assert (len(first.rows), first.has_next, first.has_previous) == (25, True, False)
    assert (len(second.rows), second.has_next, second.first, second.last) == (1, False, 26, 26)
    past = worklist_page.worklist_page(reader, tab="all", criteria=Criteria(), number=99)
    assert past.number == 1
