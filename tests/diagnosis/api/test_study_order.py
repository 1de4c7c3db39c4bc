"""The studies list in the order in which the next training would gain most from their labels."""

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from diagnosis.models import AnalysisState, Study
from mlcore.models import ModelVersion
from tests.diagnosis.selectors.test_informative import placed
from tests.diagnosis.selectors.test_worklist import sign, study_with
from tests.factories import ModelVersionFactory
from tests.rest_fixture import Api, assert_problem

URL = "/api/v1/studies?order=informative"


@pytest.fixture
def model(db: None) -> ModelVersion:
    return ModelVersionFactory.create()


@pytest.fixture
def ordered(reader: User, model: ModelVersion) -> list[Study]:
    """Return the reader's studies as they are to be ordered; one more is signed, one has no answer."""
    withheld = placed(
        reader, angle=180, model=model, state=AnalysisState.WITHHELD, withheld_reason="poor_quality"
    )
    unsure = placed(reader, angle=90, model=model, probability=0.45)
    sure = placed(reader, angle=0, model=model, probability=0.98)
    sign(placed(reader, angle=270, model=model, probability=0.5), suggested=True)
    study_with(reader, state=AnalysisState.PENDING, model_version=model)
    return [unsure, sure, withheld]


def shown(client: APIClient, address: str) -> list[str]:
    return [row["id"] for row in client.get(address).json()["results"]]


def keys(studies: list[Study]) -> list[str]:
    return [str(study.pk) for study in studies]


def test_what_a_training_gains_most_from_comes_first(api: Api, reader: User, ordered: list[Study]) -> None:
    client = api(reader)
    assert shown(client, URL) == keys(ordered)
    assert shown(client, "/api/v1/studies?tab=informative") == keys([ordered[1], ordered[0], ordered[2]])


def test_the_pages_of_that_order_lead_there_and_back(api: Api, reader: User, ordered: list[Study]) -> None:
    client = api(reader)
    first = client.get(f"{URL}&page_size=2").json()
    assert [row["id"] for row in first["results"]] == keys(ordered[:2])
    assert first["previous"] is None
    second = client.get(first["next"]).json()
    assert [row["id"] for row in second["results"]] == keys(ordered[2:])
    assert second["next"] is None
    assert shown(client, second["previous"]) == keys(ordered[:2])


def test_filters_hold_in_that_order(api: Api, reader: User, ordered: list[Study]) -> None:
    chosen = ordered[1]
    assert shown(api(reader), f"{URL}&patient={chosen.patient.pseudonym}") == keys([chosen])


def test_a_stranger_is_given_no_study_to_order(api: Api, charlie: User, ordered: list[Study]) -> None:
    assert shown(api(charlie), URL) == []


@pytest.mark.parametrize("cursor", ["x", "cD14", "cD0tMQ==", "cD05OTk5OTk5OTk=", "é"])
def test_a_cursor_that_was_made_up_is_refused(api: Api, reader: User, cursor: str) -> None:
    assert_problem(api(reader).get(f"{URL}&cursor={cursor}"), 400, "invalid_cursor")


def test_an_order_that_does_not_exist_is_refused(api: Api, reader: User) -> None:
    assert_problem(api(reader).get("/api/v1/studies?order=random"), 400, "invalid")
