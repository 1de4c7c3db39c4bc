"""Analyses are polled, waited for and retried, and carry no score where there is none."""

import numpy as np
import pytest

from accounts.models import AuditEntry, Role, Scope, User
from diagnosis.models import Analysis, AnalysisState
from medimaging.common.storage import store_content
from mlcore.engine.imaging.maps import encode_map
from mlcore.models import ModelState
from tests.factories import (
    AnalysisFactory,
    InstanceFactory,
    ModelVersionFactory,
    SimilarInstanceFactory,
    UserFactory,
)
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

URL = "/api/v1/analyses"


def test_an_analysis_shows_findings_and_similar_images_with_the_words_that_belong_to_them(
    api: Api, reader: User, answered: Analysis
) -> None:
    body = api(reader).get(f"{URL}/{answered.pk}").json()
    (finding,) = body["findings"]
    assert finding["condition"] == {
        "id": str(answered.findings.get().condition_id),
        "code": "pneumonia",
        "name": "Pneumonia",
    }
    assert (finding["probability"], finding["operating_point"], finding["suggested"]) == (0.91, 0.5, True)
    assert len(body["similar_instances"]) == 1
    assert body["model_version"]["name"] == "model"
    assert body["quality"] == {"sharpness": 0.8}
    assert "Does not rule out disease." in body["notice"]
    assert body["answers_hidden"] is False


def test_a_withheld_analysis_has_its_reason_and_no_score(api: Api, reader: User) -> None:
    withheld = AnalysisFactory.create(
        instance__series__study__owner=reader,
        state=AnalysisState.WITHHELD,
        withheld_reason="out_of_distribution",
        withheld_message="This image is too far from the images this model was validated on.",
    )
    body = api(reader).get(f"{URL}/{withheld.pk}").json()
    assert body["state"] == "withheld"
    assert body["withheld_reason"] == "out_of_distribution"
    assert body["findings"] == []
    assert "probability" not in str(body)


def test_an_open_analysis_says_when_to_ask_again(api: Api, reader: User) -> None:
    pending = AnalysisFactory.create(instance__series__study__owner=reader)
    response = api(reader).get(f"{URL}/{pending.pk}", HTTP_PREFER="wait=1")
    assert response.status_code == 200
    assert response.json()["state"] == "pending"
    assert response["Preference-Applied"] == "wait=1"
    assert response["Retry-After"] == "1"


def test_similar_images_of_others_studies_are_not_named(api: Api, reader: User, answered: Analysis) -> None:
    hidden = SimilarInstanceFactory.create(analysis=answered, instance=InstanceFactory.create(), rank=2)
    shown = api(reader).get(f"{URL}/{answered.pk}").json()["similar_instances"]
    assert str(hidden.instance_id) not in str(shown)
    assert len(shown) == 1


def test_analyses_are_filtered(api: Api, reader: User, answered: Analysis) -> None:
    pending = AnalysisFactory.create(instance__series__study__owner=reader)
    client = api(reader)
    for query, expected in [
        (f"instance={answered.instance_id}", answered),
        (f"study={pending.instance.series.study_id}", pending),
        (f"model_version={answered.model_version_id}", answered),
        ("state=pending", pending),
    ]:
        found = client.get(f"{URL}?{query}").json()["results"]
        assert [row["id"] for row in found] == [str(expected.pk)]


def test_a_stranger_finds_no_analysis_and_no_overlay(api: Api, charlie: User, answered: Analysis) -> None:
    stranger = api(charlie)
    finding = answered.findings.get()
    assert stranger.get(URL).json()["results"] == []
    assert_problem(stranger.get(f"{URL}/{answered.pk}"), 404, "not_found")
    assert_problem(stranger.post(f"{URL}/{answered.pk}/retry"), 404, "not_found")
    assert_problem(stranger.get(f"/api/v1/findings/{finding.pk}/overlay"), 404, "not_found")


def test_outsiders_get_no_analysis(api: Api, answered: Analysis) -> None:
    finding = answered.findings.get()
    for path in (f"analyses/{answered.pk}", f"findings/{finding.pk}/overlay"):
        assert_outsiders_stay_out(
            lambda client, path=path: client.get(f"/api/v1/{path}"), api=api, scope=Scope.READ
        )
    assert_outsiders_stay_out(
        lambda client: client.post(f"{URL}/{answered.pk}/retry"), api=api, scope=Scope.UPLOAD
    )


@pytest.fixture
def failed(reader: User) -> Analysis:
    return AnalysisFactory.create(
        instance__series__study__owner=reader,
        state=AnalysisState.FAILED,
        failure_code="worker_lost",
        failure_message="The worker stopped.",
    )


def test_a_failed_analysis_is_retried_and_the_trail_says_why(
    api: Api, reader: User, failed: Analysis
) -> None:
    response = api(reader).post(f"{URL}/{failed.pk}/retry", {"reason": "The worker is back."})
    assert response.status_code == 202
    assert response.json()["state"] == "pending"
    assert response["Location"].endswith(f"{URL}/{failed.pk}")
    assert AuditEntry.objects.get(action="analysis.retry").reason == "The worker is back."


def test_an_analysis_that_did_not_fail_is_not_retried(api: Api, reader: User, answered: Analysis) -> None:
    assert_problem(api(reader).post(f"{URL}/{answered.pk}/retry"), 409, "illegal_transition")


def test_an_auditor_looks_and_retries_nothing(api: Api, failed: Analysis) -> None:
    auditor = api(UserFactory.create(role=Role.AUDITOR))
    assert auditor.get(f"{URL}/{failed.pk}").status_code == 200
    assert_problem(auditor.post(f"{URL}/{failed.pk}/retry"), 403, "not_allowed")


def test_the_overlay_is_a_transparent_png_in_the_images_shape(
    api: Api, reader: User, answered: Analysis
) -> None:
    finding = answered.findings.get()
    ramp = np.linspace(0, 1, 49, dtype=np.float32).reshape(7, 7)
    finding.saliency_key = store_content(encode_map(ramp), kind="saliency", extension="png")
    finding.save()
    response = api(reader).get(f"/api/v1/findings/{finding.pk}/overlay")
    assert response["Content-Type"] == "image/png"
    assert response.content.startswith(b"\x89PNG")


def test_a_finding_without_a_map_has_no_overlay(api: Api, reader: User, answered: Analysis) -> None:
    finding = answered.findings.get()
    assert_problem(api(reader).get(f"/api/v1/findings/{finding.pk}/overlay"), 404, "not_found")


@pytest.mark.parametrize("key", ["0", "9" * 18, "9" * 30, "x"])
def test_a_finding_that_is_none_does_not_exist(api: Api, reader: User, key: str) -> None:
    assert_problem(api(reader).get(f"/api/v1/findings/{key}/overlay"), 404, "not_found")


def test_an_image_is_analyzed_by_the_model_that_is_active_now(
    api: Api, reader: User, answered: Analysis
) -> None:
    client, asked = api(reader), {"instance": str(answered.instance_id), "reason": "A newer model."}
    first = answered.model_version
    kept = client.post(URL, asked)
    assert (kept.status_code, kept.json()["id"]) == (200, str(answered.pk))
    first.transition_to(ModelState.RETIRED)
    assert_problem(client.post(URL, asked), 409, "no_active_model")
    newer = ModelVersionFactory.create(examination_type=first.examination_type)
    response = client.post(URL, asked)
    assert response.status_code == 202
    assert response.json()["model_version"]["id"] == str(newer.pk)
    assert response["Location"].endswith(f"{URL}/{response.json()['id']}")
    assert AuditEntry.objects.filter(action="instance.analyze").latest("at").reason == "A newer model."


def test_an_image_that_is_none_of_the_callers_is_not_analyzed(
    api: Api, charlie: User, answered: Analysis
) -> None:
    asked = {"instance": str(answered.instance_id), "reason": "x"}
    assert_problem(api(charlie).post(URL, asked), 404, "not_found")
    assert_problem(api(UserFactory.create(role=Role.AUDITOR)).post(URL, asked), 403, "not_allowed")
    assert_problem(api(answered.instance.series.study.owner).post(URL, {}), 400, "invalid")
    assert_outsiders_stay_out(lambda client: client.post(URL, asked), api=api, scope=Scope.UPLOAD)
