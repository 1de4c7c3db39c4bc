"""The site on PostgreSQL, Redis and S3, with two web servers and a worker for each queue."""

from __future__ import annotations

import hashlib
import time
import uuid

import httpx
import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.stack import servers

pytestmark = [pytest.mark.worker, pytest.mark.data, pytest.mark.slow]

FINAL = {"succeeded", "withheld", "failed"}


@pytest.fixture(scope="package")
def uploaded(stack, pneumonia_radiograph):
    """Hand a radiograph in at the first web server; return its answer."""
    with stack.client(0) as client:
        answer = client.post("/api/v1/instances", files={"file": ("x.jpeg", pneumonia_radiograph)})
    assert answer.status_code in {201, 202}, answer.text
    return answer.json()


def final(stack, analysis: str, *, web: int) -> dict:
    deadline = time.monotonic() + 180
    with stack.client(web) as client:
        while time.monotonic() < deadline:
            answer = client.get(f"/api/v1/analyses/{analysis}", headers={"Prefer": "wait=20"})
            if answer.json()["state"] in FINAL:
                return answer.json()
    return pytest.fail(f"no answer in time: {stack.site.workers['analysis'].tail()}")


def stored_key(stack, instance: str) -> str:
    with psycopg.connect(stack.site.servers["MEDIMAGING_DATABASE_URL"]) as database:
        query = "SELECT content_key FROM diagnosis_instance WHERE id = %s"
        return database.execute(query, (uuid.UUID(instance),)).fetchone()[0]


def test_what_one_web_server_took_in_the_other_one_answers(stack, uploaded):
    answer = final(stack, uploaded["analysis"]["id"], web=1)
    assert answer["state"] == "succeeded"
    assert answer["findings"]


def test_the_same_bytes_at_the_other_web_server_are_the_same_instance(stack, uploaded, pneumonia_radiograph):
    with stack.client(1) as client:
        answer = client.post("/api/v1/instances", files={"file": ("y.jpeg", pneumonia_radiograph)})
    assert answer.json()["duplicate"] is True
    assert answer.json()["instance"]["id"] == uploaded["instance"]["id"]


def test_a_stranger_finds_nothing_at_either_web_server(stack, uploaded):
    for web in (0, 1):
        with stack.client(web, who="stranger") as client:
            assert client.get(f"/api/v1/instances/{uploaded['instance']['id']}").status_code == 404
            assert client.get(f"/api/v1/analyses/{uploaded['analysis']['id']}").status_code == 404


def test_the_bytes_in_the_bucket_are_those_that_their_name_promises(stack, uploaded):
    key = stored_key(stack, uploaded["instance"]["id"])
    body = servers.s3_client(stack.endpoint).get_object(Bucket=servers.BUCKET, Key=key)["Body"].read()
    assert hashlib.sha256(body).hexdigest() in key


def test_nobody_reads_the_bucket_without_the_right_keys(stack, uploaded):
    key = stored_key(stack, uploaded["instance"]["id"])
    assert httpx.get(f"{stack.endpoint}/{servers.BUCKET}/{key}").status_code == 403
    stranger = servers.s3_client(stack.endpoint, secret_key="a-wrong-key")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        stranger.get_object(Bucket=servers.BUCKET, Key=key)


def test_before_the_start_everything_is_asked_and_answers(stack):
    done = stack.site.try_manage("preflight")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "storage: ok" in done.stdout


def test_wrong_settings_are_refused_before_the_start_and_named(stack):
    wrong = {"MEDIMAGING_S3_SECRET_KEY": "a-wrong-key", "MEDIMAGING_BROKER_URL": "redis://127.0.0.1:9/0"}
    done = stack.site.try_manage("preflight", environment=wrong)
    assert done.returncode == 1
    assert "storage: The object storage refuses the keys (SignatureDoesNotMatch)" in done.stdout
    assert "MEDIMAGING_S3_SECRET_KEY" in done.stdout
    assert "broker: The broker does not answer" in done.stdout
    assert "a-wrong-key" not in done.stdout + done.stderr


def test_both_web_servers_say_that_they_are_ready(stack):
    for address in stack.site.addresses:
        answer = httpx.get(f"{address}/health/ready", timeout=30)
        assert answer.json() == {
            "ready": True,
            "database": "ok",
            "storage": "ok",
            "cache": "ok",
            "broker": "ok",
        }


def test_limits_count_across_the_web_servers(stack):
    """Ten wrong tokens a minute are too many, wherever they are tried."""
    answers = []
    for attempt in range(14):
        address = stack.site.addresses[attempt % 2]
        wrong = {"Authorization": f"Bearer mi_{attempt}"}
        answers.append(httpx.get(f"{address}/api/v1/me", headers=wrong, timeout=30))
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
