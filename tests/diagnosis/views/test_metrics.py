"""Prometheus reads how the site does, and nobody else does."""

import os
import re
import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.factories import AnalysisFactory


@pytest.fixture
def token(settings):
    settings.METRICS_TOKEN = "scraped-by-prometheus"
    return {"Authorization": "Bearer scraped-by-prometheus"}


def values(answer):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_without_a_token_on_the_installation_there_is_no_such_address(client, db):
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "given", ["", "Bearer wrong", "scraped-by-prometheus", "Bearer scraped-by-prometheüs"]
)
def test_without_the_right_token_there_is_no_such_address(client, db, token, given):
    assert client.get("/metrics", headers={"Authorization": given}).status_code == 404


def test_not_even_an_administrator_reads_them_without_the_token(client, administrator, token):
    client.force_login(administrator)
    assert client.get("/metrics").status_code == 404


def test_the_state_of_the_queue_and_the_requests_are_told(client, reader, token):
    AnalysisFactory.create(state="pending")
    client.force_login(reader)
    client.get("/")
    found = values(client.get("/metrics", headers=token))
    assert found["medimaging_analyses", ("state", "pending")] == 1
    assert found["medimaging_workers",] == 0
    key = ("method", "GET"), ("status", "302" if not reader.intended_use_acknowledged_at else "200")
    assert found["medimaging_http_requests_total", *key, ("view", "diagnosis:worklist")] >= 1


def test_no_label_names_a_person_or_a_row(client, reader, token):
    client.force_login(reader)
    client.get(f"/studies/{reader.pk}/")
    client.get(f"/{reader.email}/")
    said = client.get("/metrics", headers=token).content.decode()
    assert reader.email not in said
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", said)


def test_what_several_processes_count_is_added_up(tmp_path):
    """Two processes that share a folder, as those of one gunicorn do."""
    count = (
        "from medimaging.common.metrics import *; from prometheus_client import generate_latest;"
        "REQUESTS.labels('GET', 'diagnosis:worklist', '200').inc(2);"
        "print(generate_latest(request_registry()).decode())"
    )
    environment = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "medimaging.settings",
        "MEDIMAGING_VAR": str(tmp_path / "var"),
    }
    run = [sys.executable, "-c", count]
    said = [
        subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout for _ in "ab"
    ]
    assert (
        'medimaging_http_requests_total{method="GET",status="200",view="diagnosis:worklist"} 4.0' in said[1]
    )
