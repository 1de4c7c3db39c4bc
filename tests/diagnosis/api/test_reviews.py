"""Reviews are drafted, signed and amended, and never changed behind anybody's back."""

import uuid

import pytest

from accounts.models import Role, Scope, User
from diagnosis.models import Analysis, Condition, Review, ReviewState, Study
from tests.factories import ConditionFactory, ReviewFactory, ReviewFindingFactory, StudyFactory, UserFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

URL = "/api/v1/reviews"
PRESENT = [{"condition": "pneumonia", "verdict": "present", "note": "Right lower lobe."}]


@pytest.fixture
def study(answered: Analysis) -> Study:
    return answered.instance.series.study


@pytest.fixture
def draft(study: Study, condition: Condition) -> Review:
    review = ReviewFactory.create(study=study)
    ReviewFindingFactory.create(review=review, condition=condition)
    return review


def test_a_study_is_read_signed_and_amended(api: Api, reader: User, study: Study) -> None:
    client = api(reader)
    drafted = client.post(URL, {"study": str(study.pk), "findings": PRESENT, "comment": "Clear."})
    assert drafted.status_code == 201, drafted.content
    address = drafted["Location"]
    assert drafted.json()["findings"][0]["condition"]["code"] == "pneumonia"
    assert drafted.json()["reader"]["full_name"] == "Rhea Reader"

    changed = client.patch(address, {"training_consent": True}, HTTP_IF_MATCH=drafted["ETag"])
    assert changed.status_code == 200, changed.content
    assert changed.json()["training_consent"] is True
    assert changed.json()["comment"] == "Clear."
    assert changed.json()["findings"] == drafted.json()["findings"]

    signed = client.post(f"{address}/sign", HTTP_IF_MATCH=changed["ETag"])
    assert signed.status_code == 200, signed.content
    assert signed.json()["state"] == "signed"
    assert signed.json()["signed_at"]
    assert signed.json()["model_answer_seen"] is True
    assert signed.json()["findings"][0]["suggested_by_model"] is True

    amended = client.post(f"{address}/amend", {"reason": "Wrong side."}, HTTP_IF_MATCH=signed["ETag"])
    assert amended.status_code == 201, amended.content
    assert amended.json()["amends"] == signed.json()["id"]
    assert amended["Location"] != address


def test_what_is_signed_is_neither_signed_again_nor_begun_anew(api: Api, reader: User, study: Study) -> None:
    client = api(reader)
    begun = {"study": str(study.pk), "findings": PRESENT}
    drafted = client.post(URL, begun)
    address = drafted["Location"]
    signed = client.post(f"{address}/sign", HTTP_IF_MATCH=drafted["ETag"])
    assert_problem(client.post(f"{address}/sign", HTTP_IF_MATCH=drafted["ETag"]), 412, "stale_version")
    assert_problem(client.post(f"{address}/sign", HTTP_IF_MATCH=signed["ETag"]), 409, "conflict")
    assert_problem(client.post(URL, begun), 409, "already_signed")
    assert Review.objects.get().state == ReviewState.SIGNED


def test_a_second_draft_on_a_study_is_the_first_one(api: Api, reader: User, study: Study) -> None:
    client = api(reader)
    first = client.post(URL, {"study": str(study.pk), "findings": PRESENT})
    again = client.post(URL, {"study": str(study.pk)})
    assert again.status_code == 200
    assert again.json() == first.json()
    over = client.post(URL, {"study": str(study.pk), "findings": []})
    assert_problem(over, 412, "stale_version")
    assert Review.objects.get().findings.count() == 1


def test_a_draft_that_was_changed_meanwhile_is_not_overwritten(api: Api, reader: User, draft: Review) -> None:
    client = api(reader)
    tag = client.get(f"{URL}/{draft.pk}")["ETag"]
    assert client.patch(f"{URL}/{draft.pk}", {"comment": "first"}, HTTP_IF_MATCH=tag).status_code == 200
    late = client.patch(f"{URL}/{draft.pk}", {"comment": "second"}, HTTP_IF_MATCH=tag)
    assert_problem(late, 412, "stale_version")
    assert_problem(client.post(f"{URL}/{draft.pk}/sign", HTTP_IF_MATCH=tag), 412, "stale_version")
    draft.refresh_from_db()
    assert (draft.comment, draft.state) == ("first", ReviewState.DRAFT)


def test_changing_and_signing_without_if_match_is_428(api: Api, reader: User, draft: Review) -> None:
    client = api(reader)
    assert_problem(client.patch(f"{URL}/{draft.pk}", {"comment": "x"}), 428, "precondition_required")
    assert_problem(client.post(f"{URL}/{draft.pk}/sign"), 428, "precondition_required")


def test_a_signed_review_is_never_changed(api: Api, reader: User, draft: Review) -> None:
    client = api(reader)
    tag = client.get(f"{URL}/{draft.pk}")["ETag"]
    signed = client.post(f"{URL}/{draft.pk}/sign", HTTP_IF_MATCH=tag)
    tag = signed["ETag"]
    changed = client.patch(f"{URL}/{draft.pk}", {"comment": "x"}, HTTP_IF_MATCH=tag)
    assert_problem(changed, 409, "conflict")
    assert_problem(client.post(f"{URL}/{draft.pk}/sign", HTTP_IF_MATCH=tag), 409, "conflict")
    assert_problem(client.delete(f"{URL}/{draft.pk}"), 409, "conflict")
    assert client.get(f"{URL}/{draft.pk}").json() == signed.json()


def test_a_repeated_signature_under_one_key_is_one_signature(api: Api, reader: User, draft: Review) -> None:
    client = api(reader)
    tag = client.get(f"{URL}/{draft.pk}")["ETag"]
    headers = {"HTTP_IF_MATCH": tag, "HTTP_IDEMPOTENCY_KEY": "sign-1"}
    first = client.post(f"{URL}/{draft.pk}/sign", **headers)
    second = client.post(f"{URL}/{draft.pk}/sign", **headers)
    assert (second.status_code, second.json(), second["ETag"]) == (200, first.json(), first["ETag"])


def test_a_draft_without_a_verdict_is_not_signed(api: Api, reader: User, study: Study) -> None:
    client = api(reader)
    draft = client.post(URL, {"study": str(study.pk)})
    assert_problem(
        client.post(f"{draft['Location']}/sign", HTTP_IF_MATCH=draft["ETag"]), 422, "invalid_review"
    )


def test_boxes_and_a_reason_to_differ_travel_with_the_verdict(
    api: Api, reader: User, study: Study, answered: Analysis
) -> None:
    client = api(reader)
    box = {"instance": str(answered.instance_id), "left": 1, "top": 2, "width": 3, "height": 4}
    finding = {
        "condition": "pneumonia",
        "verdict": "absent",
        "disagreement_reason": "artifact",
        "boxes": [box],
    }
    draft = client.post(URL, {"study": str(study.pk), "findings": [finding]})
    assert draft.status_code == 201, draft.content
    kept = client.patch(draft["Location"], {"comment": "Lead."}, HTTP_IF_MATCH=draft["ETag"])
    signed = client.post(f"{draft['Location']}/sign", HTTP_IF_MATCH=kept["ETag"])
    amended = client.post(f"{draft['Location']}/amend", {"reason": "Again."}, HTTP_IF_MATCH=signed["ETag"])
    for answer in (draft, kept, signed, amended):
        (given,) = answer.json()["findings"]
        assert given["boxes"] == [{**box, "frame_index": 0}]
        assert given["disagreement_reason"] == "artifact"
    outside = [{**finding, "boxes": [{**box, "left": 10_000}]}]
    answer = client.patch(amended["Location"], {"findings": outside}, HTTP_IF_MATCH=amended["ETag"])
    assert_problem(answer, 422, "invalid_review")


def test_an_amendment_needs_a_reason_and_a_signed_review(api: Api, reader: User, draft: Review) -> None:
    client = api(reader)
    assert_problem(client.post(f"{URL}/{draft.pk}/amend", {"reason": " "}), 400, "invalid")
    assert_problem(client.post(f"{URL}/{draft.pk}/amend", {"reason": "x"}), 409, "conflict")


@pytest.mark.parametrize(
    "findings",
    [
        [{"condition": "pneumonia"}],
        [{"condition": "pneumonia", "verdict": "maybe"}],
        [{"condition": "pneumonia", "verdict": "present", "note": "x" * 501}],
        ["pneumonia"],
        {"condition": "pneumonia", "verdict": "present"},
        "present",
        [PRESENT[0]] * 201,
    ],
)
def test_verdicts_that_are_none_are_refused(api: Api, reader: User, study: Study, findings: object) -> None:
    refused = api(reader).post(URL, {"study": str(study.pk), "findings": findings})
    assert_problem(refused, 400, "invalid")
    assert not Review.objects.exists()


def test_a_condition_of_another_examination_type_is_refused(api: Api, reader: User, study: Study) -> None:
    ConditionFactory.create(code="glioma")
    findings = [{"condition": "glioma", "verdict": "present"}]
    refused = api(reader).post(URL, {"study": str(study.pk), "findings": findings})
    assert assert_problem(refused, 422, "unknown_condition")["mend"]


def test_a_condition_given_twice_is_refused(api: Api, reader: User, study: Study) -> None:
    refused = api(reader).post(URL, {"study": str(study.pk), "findings": PRESENT * 2})
    assert_problem(refused, 422, "invalid_review")


def test_a_draft_is_discarded(api: Api, reader: User, draft: Review) -> None:
    assert api(reader).delete(f"{URL}/{draft.pk}").status_code == 204
    assert not Review.objects.exists()


def test_reviews_are_filtered(api: Api, reader: User, draft: Review) -> None:
    other = ReviewFactory.create(study=StudyFactory.create(owner=reader))
    client = api(reader)
    found = client.get(f"{URL}?study={draft.study_id}&reader={reader.pk}&state=draft").json()["results"]
    assert [row["id"] for row in found] == [str(draft.pk)]
    assert len(client.get(URL).json()["results"]) == 2
    assert client.get(f"{URL}?state=signed").json()["results"] == []
    assert other.pk != draft.pk


def test_a_stranger_reads_and_writes_no_review(api: Api, charlie: User, study: Study, draft: Review) -> None:
    stranger = api(charlie)
    assert stranger.get(URL).json()["results"] == []
    assert_problem(stranger.post(URL, {"study": str(study.pk)}), 404, "not_found")
    assert_problem(stranger.post(URL, {"study": str(uuid.uuid4())}), 404, "not_found")
    address = f"{URL}/{draft.pk}"
    assert_problem(stranger.get(address), 404, "not_found")
    assert_problem(stranger.patch(address, {}, HTTP_IF_MATCH="*"), 404, "not_found")
    assert_problem(stranger.post(f"{address}/sign", HTTP_IF_MATCH="*"), 404, "not_found")
    assert_problem(stranger.post(f"{address}/amend", {"reason": "x"}), 404, "not_found")
    assert_problem(stranger.delete(address), 404, "not_found")


def test_a_colleague_does_not_see_a_draft_and_cannot_sign_for_another(
    api: Api, reader: User, charlie: User, draft: Review
) -> None:
    draft.study.readers.add(charlie)
    colleague = api(charlie)
    assert_problem(colleague.get(f"{URL}/{draft.pk}"), 404, "not_found")
    client = api(reader)
    tag = client.get(f"{URL}/{draft.pk}")["ETag"]
    client.post(f"{URL}/{draft.pk}/sign", HTTP_IF_MATCH=tag)
    shown = colleague.get(f"{URL}/{draft.pk}")
    assert shown.status_code == 200
    refused = colleague.patch(f"{URL}/{draft.pk}", {"comment": "x"}, HTTP_IF_MATCH=shown["ETag"])
    assert_problem(refused, 403, "not_allowed")


@pytest.mark.parametrize("role", [Role.INTEGRATOR, Role.AUDITOR])
def test_only_readers_review(api: Api, study: Study, role: Role) -> None:
    user = UserFactory.create(role=role)
    study.readers.add(user)
    assert_problem(api(user).post(URL, {"study": str(study.pk)}), 403, "not_allowed")


def test_outsiders_read_and_write_no_review(api: Api, study: Study, draft: Review) -> None:
    address = f"{URL}/{draft.pk}"
    assert_outsiders_stay_out(lambda client: client.get(address), api=api, scope=Scope.READ)
    for call in (
        lambda client: client.post(URL, {"study": str(study.pk)}),
        lambda client: client.patch(address, {}, HTTP_IF_MATCH="*"),
        lambda client: client.delete(address),
        lambda client: client.post(f"{address}/sign", HTTP_IF_MATCH="*"),
        lambda client: client.post(f"{address}/amend", {"reason": "x"}),
    ):
        assert_outsiders_stay_out(call, api=api, scope=Scope.REVIEW)
    assert Review.objects.get().state == ReviewState.DRAFT
