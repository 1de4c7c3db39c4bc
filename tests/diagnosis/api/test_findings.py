"""Findings are listed, looked up and filtered, and a blind reader's stay hidden until the first read."""

import pytest

from accounts.models import Scope, User
from diagnosis.models import Analysis
from tests.factories import AnalysisFactory, FindingFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

URL = "/api/v1/findings"


def test_a_finding_says_what_it_was_found_in_and_by_what(api: Api, reader: User, answered: Analysis) -> None:
    finding = answered.findings.get()
    client = api(reader)
    row = client.get(f"{URL}/{finding.pk}").json()
    assert client.get(URL).json()["results"] == [row]
    assert row["condition"]["code"] == "pneumonia"
    assert (row["probability"], row["operating_point"], row["suggested"]) == (0.91, 0.5, True)
    assert row["analysis"] == str(answered.pk)
    assert row["instance"] == str(answered.instance_id)
    assert row["study"] == str(answered.instance.series.study_id)
    assert row["model_version"]["id"] == str(answered.model_version_id)
    assert "Does not rule out disease." in row["notice"]


def test_findings_are_filtered_and_the_newest_come_first(api: Api, reader: User, answered: Analysis) -> None:
    other = FindingFactory.create(
        analysis=AnalysisFactory.create(instance__series__study__owner=reader), probability=0.2
    )
    first = answered.findings.get()
    client = api(reader)
    assert [row["id"] for row in client.get(URL).json()["results"]] == [other.pk, first.pk]
    for query, expected in [
        (f"analysis={other.analysis_id}", other),
        (f"instance={first.analysis.instance_id}", first),
        (f"study={other.analysis.instance.series.study_id}", other),
        (f"model_version={first.analysis.model_version_id}", first),
        ("condition=pneumonia", first),
        ("probability_from=0.5", first),
    ]:
        found = client.get(f"{URL}?{query}").json()["results"]
        assert [row["id"] for row in found] == [expected.pk], query


def test_a_blind_reader_is_told_of_no_finding(api: Api, reader: User, answered: Analysis) -> None:
    reader.blind_first = True
    reader.save()
    client = api(reader)
    assert client.get(URL).json()["results"] == []
    assert_problem(client.get(f"{URL}/{answered.findings.get().pk}"), 403, "read_first")


def test_a_stranger_finds_none(api: Api, charlie: User, answered: Analysis) -> None:
    stranger = api(charlie)
    assert stranger.get(URL).json()["results"] == []
    assert_problem(stranger.get(f"{URL}/{answered.findings.get().pk}"), 404, "not_found")


@pytest.mark.parametrize("path", ["", "/1"])
def test_outsiders_get_none(api: Api, answered: Analysis, path: str) -> None:
    assert_outsiders_stay_out(lambda client: client.get(URL + path), api=api, scope=Scope.READ)
