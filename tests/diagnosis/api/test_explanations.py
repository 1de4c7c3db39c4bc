"""Maps are asked for, polled and looked at by those who may see the study, and by nobody else."""

import numpy as np
import pytest

from accounts.models import Scope, User
from diagnosis.models import Analysis, Explanation, ExplanationState, Finding
from medimaging.common.storage import store_content
from mlcore.engine.imaging.maps import encode_map
from tests.factories import ExplanationFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

URL = "/api/v1/explanations"


@pytest.fixture
def finding(answered: Analysis) -> Finding:
    answered.findings.update(saliency_key="saliency/none.png")
    return answered.findings.get()


@pytest.fixture
def drawn(finding: Finding) -> Explanation:
    ramp = np.linspace(0, 1, 49, dtype=np.float32).reshape(7, 7)
    key = store_content(encode_map(ramp), kind="saliency", extension="png")
    return ExplanationFactory.create(finding=finding, state=ExplanationState.SUCCEEDED, saliency_key=key)


def test_asking_for_a_map_says_where_and_when_to_look(api: Api, reader: User, finding: Finding) -> None:
    response = api(reader).post(URL, {"finding": finding.pk, "method": "occlusion"}, format="json")
    assert response.status_code == 202, response.content
    assert response["Retry-After"] == "1"
    body = api(reader).get(response["Location"], HTTP_PREFER="wait=1").json()
    assert (body["method"], body["state"], body["condition"]) == ("occlusion", "pending", "pneumonia")
    assert "Not an outline of disease." in body["notice"]
    assert "not measured" in body["measured"]
    assert_problem(api(reader).get(body["overlay"]), 404, "not_found")


def test_a_map_that_is_drawn_is_handed_out_at_once(api: Api, reader: User, drawn: Explanation) -> None:
    asked = {"finding": drawn.finding_id, "method": drawn.method}
    response = api(reader).post(URL, asked, format="json")
    assert response.status_code == 200
    assert response.json()["id"] == str(drawn.pk)
    overlay = api(reader).get(response.json()["overlay"])
    assert overlay["Content-Type"] == "image/png"
    assert overlay.content.startswith(b"\x89PNG")


def test_the_maps_of_a_finding_are_listed(api: Api, reader: User, drawn: Explanation) -> None:
    ExplanationFactory.create()
    (row,) = api(reader).get(URL, {"finding": drawn.finding_id}).json()["results"]
    assert row["id"] == str(drawn.pk)


@pytest.mark.parametrize("finding_key", [0, -1, 2**63, "x", None])
def test_a_finding_that_is_none_is_a_400(api: Api, reader: User, finding_key: object) -> None:
    asked = {"finding": finding_key, "method": "occlusion"}
    assert_problem(api(reader).post(URL, asked, format="json"), 400, "invalid")


def test_a_method_that_is_none_is_a_400(api: Api, reader: User, finding: Finding) -> None:
    asked = {"finding": finding.pk, "method": "tea_leaves"}
    assert_problem(api(reader).post(URL, asked, format="json"), 400, "invalid")


def test_to_a_stranger_there_is_nothing(
    api: Api, charlie: User, drawn: Explanation, finding: Finding
) -> None:
    stranger = api(charlie)
    asked = {"finding": finding.pk, "method": "integrated_gradients"}
    assert_problem(stranger.post(URL, asked, format="json"), 404, "not_found")
    assert_problem(stranger.get(f"{URL}/{drawn.pk}"), 404, "not_found")
    assert_problem(stranger.get(f"{URL}/{drawn.pk}/overlay"), 404, "not_found")
    assert stranger.get(URL).json()["results"] == []
    assert Explanation.objects.count() == 1


def test_outsiders_stay_out(api: Api, drawn: Explanation) -> None:
    asked = {"finding": drawn.finding_id, "method": "occlusion"}
    assert_outsiders_stay_out(lambda c: c.get(URL), api=api, scope=Scope.READ)
    assert_outsiders_stay_out(lambda c: c.get(f"{URL}/{drawn.pk}/overlay"), api=api, scope=Scope.READ)
    assert_outsiders_stay_out(lambda c: c.post(URL, asked, format="json"), api=api, scope=Scope.UPLOAD)


def test_who_reads_blind_gets_no_map(api: Api, reader: User, drawn: Explanation, finding: Finding) -> None:
    reader.blind_first = True
    reader.save()
    asked = {"finding": finding.pk, "method": "integrated_gradients"}
    assert_problem(api(reader).post(URL, asked, format="json"), 403, "read_first")
    assert_problem(api(reader).get(f"{URL}/{drawn.pk}/overlay"), 403, "read_first")
    row = api(reader).get(f"{URL}/{drawn.pk}").json()
    assert (row["answers_hidden"], row["overlay"], row["measured"]) == (True, None, None)
