"""Those who watch over the site are told whether it lives and whether it can take requests."""

import pytest
from botocore.exceptions import EndpointConnectionError
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from medimaging.common import health, probes


@pytest.fixture(autouse=True)
def nothing_asked_yet(monkeypatch):
    monkeypatch.setattr(health, "_asked", None)


def test_a_process_that_answers_lives_whatever_name_it_is_called_by(client):
    answer = client.get("/health/live", headers={"host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.json()) == (200, {"live": True})


def test_ready_when_every_server_answers(client, db):
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "database": "ok",
        "storage": "ok",
        "cache": "ok",
        "broker": "ok",
    }


@pytest.fixture
def broken(monkeypatch):
    def break_probe(name):
        monkeypatch.setattr(probes, name, lambda: "It does not answer at 10.0.0.9.")

    return break_probe


@pytest.mark.parametrize("name", ["database", "storage", "cache"])
def test_not_ready_without_a_server_that_is_needed_and_no_word_of_where_it_is(client, db, broken, name):
    broken({"storage": "_storage_by_reading"}.get(name, f"_{name}"))
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()[name] == "failed"
    assert b"10.0.0.9" not in answer.content


def test_ready_without_a_broker_because_the_database_is_the_queue(client, db, broken):
    broken("_broker")
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["broker"] == "failed"


def test_nothing_is_written_there(client):
    assert client.post("/health/live").status_code == 405


def test_a_folder_that_cannot_be_written_is_named(db, settings, tmp_path):
    (tmp_path / "files").write_text("a file where the folder should be")
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": str(tmp_path / "files")}},
    }
    settings.VAR_DIR = tmp_path
    problem = next(p.problem for p in probes.probe_all(thorough=True) if p.name == "storage")
    assert problem.startswith(f"Files cannot be kept under {tmp_path / 'files'}")


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("server closed the connection"),
        RedisConnectionError("server closed the connection"),
        EndpointConnectionError(endpoint_url="server closed the connection"),
    ],
    ids=["database", "cache", "file store"],
)
def test_a_server_that_is_away_is_told_apart_from_a_fault(client, reader, monkeypatch, error):
    from diagnosis.models import Study

    def away(*_):
        raise error

    client.force_login(reader)
    monkeypatch.setattr(type(Study.objects.all()), "visible_to", away)
    for path in ("/", "/api/v1/studies"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer["Retry-After"] == "5"
        assert b"server closed" not in answer.content
    assert answer.json()["code"] == "unavailable"


def test_who_asks_again_and_again_costs_the_servers_nothing(client, db, monkeypatch):
    asked = []
    monkeypatch.setattr(health, "KEPT_SECONDS", 3600)
    monkeypatch.setattr(health, "probe_all", lambda: asked.append(1) or [probes.Probe("database")])
    for _ in range(20):
        assert client.get("/health/ready").status_code == 200
    assert len(asked) == 1
