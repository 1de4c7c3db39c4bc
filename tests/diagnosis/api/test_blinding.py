"""A blind-first reader gets no score from the API until the first read is signed."""

import pytest

from accounts.models import User
from diagnosis.models import Analysis, Review, Study
from tests.factories import ReviewFactory, ReviewFindingFactory
from tests.rest_fixture import Api, assert_problem

ANSWERS = ("top_condition", "top_probability", "suggested", "disagreement", "withheld_reason")


@pytest.fixture
def blind(reader: User) -> User:
    reader.blind_first = True
    reader.save()
    return reader


@pytest.fixture
def study(answered: Analysis) -> Study:
    return answered.instance.series.study


@pytest.fixture
def colleagues_review(answered: Analysis, study: Study, charlie: User) -> Review:
    study.readers.add(charlie)
    review = ReviewFactory.create(study=study, reader=charlie)
    ReviewFindingFactory.create(
        review=review, condition=answered.findings.get().condition, suggested_by_model=True
    )
    Review.objects.filter(pk=review.pk).update(state="signed", signed_at=review.started_at)
    return review


def test_nothing_that_the_api_says_gives_the_answer_away(
    api: Api, blind: User, answered: Analysis, study: Study, colleagues_review: Review
) -> None:
    client = api(blind)
    shown = [
        client.get(f"/api/v1/analyses/{answered.pk}").json(),
        client.get("/api/v1/analyses").json()["results"][0],
    ]
    for analysis in shown:
        assert analysis["answers_hidden"] is True
        assert analysis["findings"] == analysis["similar_instances"] == []
        assert analysis["quality"] is None
    listed = {row["id"]: row for row in client.get("/api/v1/studies").json()["results"]}
    for row in (client.get(f"/api/v1/studies/{study.pk}").json(), listed[str(study.pk)]):
        assert row["answers_hidden"] is True
        assert [row[name] for name in ANSWERS] == [None] * len(ANSWERS)
    assert client.get("/api/v1/reviews").json()["results"] == []
    assert_problem(client.get(f"/api/v1/reviews/{colleagues_review.pk}"), 404, "not_found")
    assert client.get("/api/v1/studies?tab=disagree").json()["results"] == []
    overlay = client.get(f"/api/v1/findings/{answered.findings.get().pk}/overlay")
    assert_problem(overlay, 403, "read_first")


def test_a_draft_is_not_enough_and_a_signature_is(
    api: Api, blind: User, answered: Analysis, study: Study, colleagues_review: Review
) -> None:
    client = api(blind)
    verdicts = [{"condition": "pneumonia", "verdict": "absent"}]
    draft = client.post("/api/v1/reviews", {"study": str(study.pk), "findings": verdicts})
    assert client.get(f"/api/v1/analyses/{answered.pk}").json()["findings"] == []

    signed = client.post(f"{draft['Location']}/sign", HTTP_IF_MATCH=draft["ETag"])
    assert signed.json()["model_answer_seen"] is False
    assert client.get(f"/api/v1/analyses/{answered.pk}").json()["findings"][0]["probability"] == 0.91
    assert client.get(f"/api/v1/studies/{study.pk}").json()["top_probability"] == 0.91
    assert client.get(f"/api/v1/reviews/{colleagues_review.pk}").status_code == 200


def test_a_reader_who_is_not_blind_sees_the_answer_at_once(
    api: Api, reader: User, answered: Analysis, colleagues_review: Review
) -> None:
    client = api(reader)
    assert client.get(f"/api/v1/analyses/{answered.pk}").json()["findings"]
    assert client.get(f"/api/v1/reviews/{colleagues_review.pk}").status_code == 200
