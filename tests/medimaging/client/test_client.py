"""The client waits, repeats and complains as it says, whatever a server does."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from medimaging.client import Client, Problem, TimedOut
from medimaging.client import client as module
from medimaging.client.cli import main
from medimaging.client.errors import Unreachable

Handler = Callable[[httpx.Request], httpx.Response]


def client_of(handler: Handler) -> Client:
    return Client("https://site.example", token="mi_x", transport=httpx.MockTransport(handler))


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note how long the client would sleep, and do not."""
    slept: list[float] = []
    monkeypatch.setattr(module.time, "sleep", slept.append)
    return slept


def test_a_post_that_found_nobody_is_repeated_under_the_same_key(naps: list[float]) -> None:
    keys = []

    def handler(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) < 3:
            raise httpx.ConnectError("nobody")
        return httpx.Response(202, json={"id": "r", "state": "pending"})

    assert client_of(handler).train("chest").state == "pending"
    assert len(set(keys)) == 1
    assert naps == [0.5, 1.0]


def test_too_many_requests_are_waited_out_as_the_site_says(naps: list[float]) -> None:
    answers = [
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(200, json={"role": "reader"}),
    ]
    assert client_of(lambda request: answers.pop(0)).me() == {"role": "reader"}
    assert naps == [7.0]


def test_a_request_that_still_runs_is_asked_for_again() -> None:
    running = {"code": "idempotency_still_running", "detail": "x"}
    answers = [
        httpx.Response(409, json=running, headers={"Retry-After": "1"}),
        httpx.Response(202, json={"id": "r", "state": "pending"}),
    ]
    assert client_of(lambda request: answers.pop(0)).train("chest").id == "r"


def test_a_refusal_is_not_repeated_and_says_what_to_do(naps: list[float]) -> None:
    body = {"code": "unknown_format", "detail": "Not an image.", "mend": "Send a PNG."}
    with pytest.raises(Problem, match=r"Not an image\. Send a PNG\.") as refused:
        client_of(lambda request: httpx.Response(415, json=body)).upload(b"x")
    assert (refused.value.code, refused.value.status) == ("unknown_format", 415)
    assert naps == []


def test_a_site_that_never_answers_is_said_so() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Unreachable, match="did not answer"):
        client_of(handler).me()


def test_an_answer_that_is_no_json_is_a_problem_all_the_same() -> None:
    with pytest.raises(Problem, match="answered 500"):
        client_of(lambda request: httpx.Response(500, text="<html>")).me()


def test_waiting_ends() -> None:
    row = {"id": "a", "state": "pending", "study": "s", "instance": "i"}
    with pytest.raises(TimedOut, match="pending"):
        client_of(lambda request: httpx.Response(200, json=row)).wait("a", seconds=0)


def test_a_list_is_walked_page_after_page() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if "cursor" in request.url.params:
            return httpx.Response(200, json={"results": [{"id": 2}], "next": None})
        more = "https://site.example/api/v1/studies?cursor=x"
        return httpx.Response(200, json={"results": [{"id": 1}], "next": more})

    assert [row["id"] for row in client_of(handler).rows("studies")] == [1, 2]


def test_the_token_goes_to_no_other_site() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(302, headers={"Location": "https://elsewhere.example/"})

    with pytest.raises(Problem):
        client_of(handler).me()
    assert [request.url.host for request in seen] == ["site.example"]


def test_the_command_asks_for_a_token_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MEDIMAGING_TOKEN", raising=False)
    assert main(["results", "x"]) == 2
    assert "MEDIMAGING_TOKEN" in capsys.readouterr().err


@pytest.mark.parametrize("verdict", ["pneumonia", "=present", "pneumonia=maybe"])
def test_a_verdict_that_is_none_is_not_understood(
    verdict: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDIMAGING_TOKEN", "mi_x")
    with pytest.raises(SystemExit):
        main(["sign", "study", verdict])
    assert "CONDITION=VERDICT" in capsys.readouterr().err


def test_what_is_said_is_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    body: dict[str, Any] = {"id": "r", "state": "pending", "candidate": None}
    made = client_of(lambda request: httpx.Response(202, json=body))
    monkeypatch.setenv("MEDIMAGING_TOKEN", "mi_x")
    monkeypatch.setattr("medimaging.client.cli.Client", lambda site, token: made)
    assert main(["train", "chest"]) == 0
    assert json.loads(capsys.readouterr().out)["training_run"] == "r"
