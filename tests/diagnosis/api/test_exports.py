"""Exports over REST: asked for, polled, downloaded by who asked."""

from rest_framework.test import APIClient

from accounts.models import Scope, User
from diagnosis import exporting
from diagnosis.models import Export, ExportState
from tests.factories import StudyFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

URL = "/api/v1/exports"


def test_an_export_is_asked_for_polled_and_downloaded(api: Api, reader: User) -> None:
    study = StudyFactory.create(owner=reader)
    client = api(reader)
    asked = client.post(URL, {"kind": "studies"}, HTTP_IDEMPOTENCY_KEY="e1")
    assert asked.status_code == 202
    assert asked["Retry-After"]
    assert client.post(URL, {"kind": "studies"}, HTTP_IDEMPOTENCY_KEY="e1").json()["id"] == asked.json()["id"]
    assert_problem(client.get(f"{URL}/{asked.json()['id']}/download"), 409, "no_file")
    exporting.run_export(asked.json()["id"])
    polled = client.get(asked["Location"]).json()
    assert (polled["state"], polled["row_count"]) == ("succeeded", 1)
    got = client.get(polled["download"])
    assert got.status_code == 200
    assert "attachment" in got["Content-Disposition"]
    assert got["Content-Type"] == "application/octet-stream"
    assert str(study.pk) in b"".join(got.streaming_content).decode()  # type: ignore[attr-defined]


def test_an_expired_export_is_410(api: Api, reader: User) -> None:
    export = Export.objects.create(
        requested_by=reader, kind="studies", format="csv", state=ExportState.EXPIRED
    )
    assert_problem(api(reader).get(f"{URL}/{export.pk}/download"), 410, "export_expired")


def test_nonsense_is_refused(api: Api, reader: User, administrator: User) -> None:
    assert_problem(api(reader).post(URL, {"kind": "everything"}), 400, "invalid")
    assert_problem(api(administrator).post(URL, {"kind": "dataset"}), 422, "invalid_export")


def test_strangers_stay_out(api: Api, reader: User, charlie: User) -> None:
    export = Export.objects.create(requested_by=reader, kind="studies", format="csv")
    for path in (f"{URL}/{export.pk}", f"{URL}/{export.pk}/download"):
        assert_problem(api(charlie).get(path), 404, "not_found")
    assert api(charlie).get(URL).json()["results"] == []
    assert_outsiders_stay_out(lambda client: client.get(URL), api=api, scope=Scope.READ)

    def ask(client: APIClient) -> object:
        return client.post(URL, {"kind": "studies"})

    assert_outsiders_stay_out(ask, api=api, scope=Scope.READ)  # type: ignore[arg-type]
