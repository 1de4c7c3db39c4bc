"""Whatever is wrong with a request, the answer is a problem document and never a 5xx."""

import io
import json

import pytest
from pytest_django.fixtures import Settings
from rest_framework.settings import api_settings
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from accounts.models import Scope, User
from tests.factories import StudyFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

LISTS = [
    "analyses",
    "conditions",
    "examination-types",
    "instances",
    "model-versions",
    "reviews",
    "studies",
    "tokens",
    "uploads",
]


def test_the_root_lists_every_set_of_endpoints(api: Api, reader: User) -> None:
    listed = api(reader).get("/api/v1/").json()
    assert set(LISTS) <= set(listed)
    for name in LISTS:
        assert api(reader).get(listed[name]).status_code == 200


@pytest.mark.parametrize("path", ["", "me", *LISTS])
def test_outsiders_get_no_list(api: Api, db: None, path: str) -> None:
    assert_outsiders_stay_out(lambda client: client.get(f"/api/v1/{path}"), api=api, scope=Scope.READ)


@pytest.mark.parametrize("path", ["me/", "studies/"])
def test_a_slash_at_the_end_changes_nothing(api: Api, reader: User, path: str) -> None:
    assert api(reader).get(f"/api/v1/{path}").status_code == 200


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v1/studies/x/y/z", "/api/v1/%00", "/api/v1/a%0Ab/é"]
)
def test_an_unknown_address_is_a_problem_document_too(db: None, method: str, path: str) -> None:
    assert_problem(getattr(APIClient(), method)(path), 404, "not_found")


@pytest.mark.parametrize(
    "name", ["analyses", "conditions", "instances", "model-versions", "reviews", "studies"]
)
@pytest.mark.parametrize("key", ["not-a-uuid", "1", "6fd5a1f0-26f6-4b50-a9a4-0f3e26b8a5b0", "%F0%9F%92%A9"])
def test_an_id_that_is_none_does_not_exist(api: Api, reader: User, name: str, key: str) -> None:
    assert_problem(api(reader).get(f"/api/v1/{name}/{key}"), 404, "not_found")


@pytest.mark.parametrize("name", ["uploads", "examination-types", "conditions"])
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_method_that_is_not_offered_is_405(api: Api, reader: User, name: str, method: str) -> None:
    refused = getattr(api(reader), method)(f"/api/v1/{name}")
    assert_problem(refused, 405, "method_not_allowed")
    assert "GET" in refused["Allow"]


def test_a_representation_that_is_not_offered_is_406(api: Api, reader: User) -> None:
    assert_problem(api(reader).get("/api/v1/me", HTTP_ACCEPT="image/webp"), 406, "not_acceptable")


def test_a_body_of_another_type_is_415(api: Api, reader: User) -> None:
    refused = api(reader).post("/api/v1/reviews", "<a/>", content_type="application/xml")
    assert_problem(refused, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"study": NaN}',
        b'{"study": ' + b"9" * 5000 + b"}",
    ],
)
def test_json_that_is_none_is_400(api: Api, reader: User, body: bytes) -> None:
    assert_problem(
        api(reader).post("/api/v1/reviews", body, content_type="application/json"), 400, "parse_error"
    )


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "3", "{}", '{"study": "3"}', '{"study": {"a": 1}}'])
def test_json_of_another_shape_is_400(api: Api, reader: User, body: str) -> None:
    refused = api(reader).post("/api/v1/reviews", body, content_type="application/json")
    assert assert_problem(refused, 400, "invalid")["errors"]


@pytest.mark.parametrize("name", ["\x00", "a\x00b", "\ud800", "x" * 5000])
def test_text_that_no_database_takes_is_400(api: Api, reader: User, name: str) -> None:
    body = json.dumps({"examination_type": name, "name": name})
    refused = api(reader).post("/api/v1/conditions", body, content_type="application/json")
    assert_problem(refused, 400, "invalid")


def test_a_body_larger_than_is_read_is_413(api: Api, reader: User, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    refused = api(reader).post("/api/v1/reviews", {"comment": "x" * 2000})
    assert_problem(refused, 413, "body_too_large")


def test_a_body_without_a_length_is_411(api: Api, reader: User) -> None:
    refused = api(reader).generic("POST", "/api/v1/instances", b"", HTTP_TRANSFER_ENCODING="chunked")
    assert_problem(refused, 411, "length_required")


def test_a_body_that_breaks_off_is_400(api: Api, reader: User) -> None:
    begun = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
    refused = api(reader).post("/api/v1/instances", begun, content_type="multipart/form-data")
    assert_problem(refused, 400, "parse_error")


@pytest.mark.parametrize(
    "cursor",
    ["x", "%00", "cD0x", "cD1hYmM=", "cj0xJnA9MjAyNi0xMy00NQ==", "bz05OTk5OTk5OTk5OTk5", "cD0lMDA="],
)
@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_that_somebody_made_up_is_no_server_error(
    api: Api, reader: User, name: str, cursor: str
) -> None:
    StudyFactory.create(owner=reader)
    response = api(reader).get(f"/api/v1/{name}?cursor={cursor}")
    assert response.status_code in {200, 400}
    if response.status_code == 400:
        assert_problem(response, 400, "invalid_cursor")


@pytest.mark.parametrize(
    "query",
    [
        "studies?tab=nothing",
        "studies?created_from=yesterday",
        "studies?patient=%00",
        "instances?study=1",
        "instances?format=exe",
        "analyses?state=done",
        "analyses?study=x",
        "reviews?reader=me",
        "conditions?state=x",
        "model-versions?state=x",
        "uploads?source=fax",
    ],
)
def test_a_filter_that_makes_no_sense_is_400(api: Api, reader: User, query: str) -> None:
    assert assert_problem(api(reader).get(f"/api/v1/{query}"), 400, "invalid")["errors"]


@pytest.mark.parametrize(("asked", "given"), [("2", 2), ("0", 1), ("-5", 1), ("many", 3), ("99999", 3)])
def test_a_page_is_never_larger_than_allowed(
    api: Api, reader: User, asked: str, given: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medimaging.common.pagination.CursorPagination.max_page_size", 3)
    monkeypatch.setattr("medimaging.common.pagination.CursorPagination.page_size", 3)
    StudyFactory.create_batch(4, owner=reader)
    assert len(api(reader).get(f"/api/v1/studies?page_size={asked}").json()["results"]) == given


def test_following_the_cursor_meets_every_row_once(api: Api, reader: User) -> None:
    made = {str(study.pk) for study in StudyFactory.create_batch(7, owner=reader)}
    client, address, met = api(reader), "/api/v1/studies?page_size=3", []
    while address:
        page = client.get(address).json()
        met += [row["id"] for row in page["results"]]
        address = page["next"]
    assert sorted(met) == sorted(made)


@pytest.fixture
def slow_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow two requests a minute."""
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anon": "2/min", "user": "2/min"})


def test_too_many_requests_are_429_with_retry_after(slow_lane: None, api: Api, reader: User) -> None:
    client = api(reader)
    assert [client.get("/api/v1/me").status_code for _ in range(2)] == [200, 200]
    refused = client.get("/api/v1/me")
    assert_problem(refused, 429, "throttled")
    assert 0 < int(refused["Retry-After"]) <= 60


def test_guessing_tokens_is_throttled_by_address(slow_lane: None, db: None) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer mi_guess")
    codes = [client.get("/api/v1/me", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}").status_code for n in range(3)]
    assert codes == [401, 401, 429]


def test_an_answer_is_kept_out_of_every_cache(api: Api, reader: User) -> None:
    response = api(reader).get("/api/v1/me")
    assert "no-store" in response["Cache-Control"]
    assert "Authorization" in response["Vary"]


def test_the_handler_of_the_site_is_in_use() -> None:
    assert api_settings.EXCEPTION_HANDLER.__name__ == "site_problem_handler"


def test_a_connection_that_breaks_while_sending_is_400(reader: User, api: Api) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("connection reset")

    client = api(reader)
    response = client.generic(
        "POST", "/api/v1/reviews", b"{}", content_type="application/json", **{"wsgi.input": Broken()}
    )
    assert_problem(response, 400, "parse_error")
