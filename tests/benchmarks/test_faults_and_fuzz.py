"""Short versions of the campaigns: nothing that was acknowledged is lost, nothing crashes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = [pytest.mark.worker, pytest.mark.slow]


def run(module: str, *options: str) -> tuple[int, list[dict[str, object]], str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *options],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in os.environ.items() if name != "MEDIMAGING_VAR"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done.returncode, said, done.stderr


@pytest.mark.parametrize("servers", ["embedded", "postgres"])
def test_three_rounds_of_kills_lose_nothing(servers):
    if servers == "postgres" and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        pytest.skip("PostgreSQL is not installed")
    options = ("--servers", servers, "--rounds", "3", "--uploads", "2", "--check-every", "3", "--seed", "11")
    code, said, complaints = run("benchmarks.faults", *options)
    assert code == 0, f"{said} {complaints}"
    assert said[-1]["final"] is True
    assert said[-1]["acknowledged"] == 6
    assert sum(said[-1]["kills"].values()) == 3
    assert said[-1]["lost"] == []


def test_two_hundred_damaged_inputs_are_refused_in_peace():
    code, said, complaints = run("benchmarks.fuzz", "--intake", "120", "--requests", "80", "--seed", "5")
    assert code == 0, complaints[-3000:]
    assert [line["inputs"] for line in said if line["final"]] == [120, 80]
