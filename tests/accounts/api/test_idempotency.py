"""A request repeated under one Idempotency-Key is done once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, IdempotentRequest, User
from accounts.services import idempotency
from accounts.services.idempotency import Answer
from tests.rest_fixture import assert_problem

Session = Callable[[User], APIClient]
NEW = {"name": "ward system", "scopes": ["read"]}
KEY = {"HTTP_IDEMPOTENCY_KEY": "order-1"}


def test_the_repeated_request_gets_the_first_answer_and_does_nothing(session: Session, reader: User) -> None:
    client = session(reader)
    first = client.post("/api/v1/tokens", NEW, **KEY)
    second = client.post("/api/v1/tokens", NEW, **KEY)
    assert second.status_code == first.status_code == 201
    assert second.json() == {**first.json(), "secret": None}
    assert second["Location"] == first["Location"]
    assert second["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert ApiToken.objects.count() == 1


def test_a_secret_is_not_kept_for_the_repeat(session: Session, reader: User) -> None:
    secret = session(reader).post("/api/v1/tokens", NEW, **KEY).json()["secret"]
    assert secret not in IdempotentRequest.objects.get().answer_body


def test_the_key_itself_is_not_stored(session: Session, reader: User) -> None:
    session(reader).post("/api/v1/tokens", NEW, **KEY)
    assert "order-1" not in str(IdempotentRequest.objects.values().get())


def test_a_refusal_is_repeated_too(session: Session, reader: User) -> None:
    client = session(reader)
    first = client.post("/api/v1/tokens", {"name": ""}, **KEY)
    second = client.post("/api/v1/tokens", {"name": ""}, **KEY)
    assert first.status_code == second.status_code == 400
    assert second["Content-Type"] == "application/problem+json"
    assert first.json() == second.json()


def test_the_same_key_with_another_body_is_an_error(session: Session, reader: User) -> None:
    client = session(reader)
    client.post("/api/v1/tokens", NEW, **KEY)
    other = client.post("/api/v1/tokens", {**NEW, "name": "other"}, **KEY)
    assert_problem(other, 422, "idempotency_key_reused")
    assert ApiToken.objects.count() == 1


def test_the_same_key_of_another_user_is_another_request(
    session: Session, reader: User, charlie: User
) -> None:
    session(reader).post("/api/v1/tokens", NEW, **KEY)
    made = session(charlie).post("/api/v1/tokens", NEW, **KEY)
    assert "Idempotent-Replayed" not in made
    assert ApiToken.objects.filter(user=charlie).count() == 1


def test_without_a_key_every_request_is_done(session: Session, reader: User) -> None:
    client = session(reader)
    client.post("/api/v1/tokens", NEW)
    client.post("/api/v1/tokens", NEW)
    assert ApiToken.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tkey", "Schlüssel"])
def test_a_key_that_is_none_is_refused(session: Session, reader: User, key: str) -> None:
    refused = session(reader).post("/api/v1/tokens", NEW, HTTP_IDEMPOTENCY_KEY=key)
    assert_problem(refused, 400, "invalid_idempotency_key")


def test_a_stranger_claims_no_key(db: None) -> None:
    assert_problem(APIClient().post("/api/v1/tokens", NEW, **KEY), 401, "not_authenticated")
    assert not IdempotentRequest.objects.exists()


def _claim(user: User, *, fingerprint: str = "f") -> tuple[IdempotentRequest, Answer | None]:
    return idempotency.claim(user, key="k", method="POST", path="/p", fingerprint=fingerprint)


def test_while_the_first_request_runs_the_second_is_told_to_wait(reader: User) -> None:
    _claim(reader)
    with pytest.raises(idempotency.StillRunning):
        _claim(reader)


def test_a_request_that_still_runs_is_answered_409_with_retry_after(session: Session, reader: User) -> None:
    client = session(reader)
    client.post("/api/v1/tokens", NEW, **KEY)
    IdempotentRequest.objects.update(answer_status=None, claimed_at=timezone.now())
    waiting = client.post("/api/v1/tokens", NEW, **KEY)
    assert_problem(waiting, 409, "idempotency_still_running")
    assert waiting["Retry-After"] == "1"


def test_what_a_dead_process_left_is_done_again_by_one_repeat_alone(reader: User) -> None:
    dead, _ = _claim(reader)
    IdempotentRequest.objects.update(claimed_at=timezone.now() - timedelta(minutes=5))
    taken, answer = _claim(reader)
    assert answer is None
    with pytest.raises(idempotency.StillRunning):
        _claim(reader)
    idempotency.store_answer(dead, Answer(200, "late"))
    idempotency.store_answer(taken, Answer(201, "done"))
    assert _claim(reader)[1] == Answer(201, "done")


def test_a_released_key_can_be_used_again(reader: User) -> None:
    claimed, _ = _claim(reader)
    idempotency.release(claimed)
    assert _claim(reader, fingerprint="other")[1] is None


def test_keys_are_forgotten_after_a_day(reader: User) -> None:
    claimed, _ = _claim(reader)
    idempotency.store_answer(claimed, Answer(200, "old"))
    IdempotentRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert _claim(reader, fingerprint="other")[1] is None
    assert IdempotentRequest.objects.count() == 1


def test_a_crash_gives_the_key_back(session: Session, reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the disk is gone")

    client = session(reader)
    monkeypatch.setattr("accounts.services.tokens.create_token", fail)
    with pytest.raises(RuntimeError):
        client.post("/api/v1/tokens", NEW, **KEY)
    assert not IdempotentRequest.objects.exists()
    monkeypatch.undo()
    assert client.post("/api/v1/tokens", NEW, **KEY).status_code == 201
