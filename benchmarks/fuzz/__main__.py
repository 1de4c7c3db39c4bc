"""Fuzz intake and multipart parser: python -W ignore -m benchmarks.fuzz --intake 70000 --requests 30000"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import strategies as st

from mlcore.engine.errors import EngineError
from tests.hostile import take_in

MEMORY_BYTES = 4 * 1024**3
SECONDS = 10.0
"""Of processor time, for one input."""
SAY_EVERY = 2000


def main() -> None:
    """Fuzz, and print what it cost as lines of JSON; a crash, a 5xx or a slow input ends it with an error."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--intake", type=int, default=70_000)
    asked.add_argument("--requests", type=int, default=30_000)
    asked.add_argument("--seed", type=int, default=1)
    options = asked.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    folder = Path(tempfile.mkdtemp(prefix="medimaging-fuzz-"))
    try:
        post = site_in(folder)
        from benchmarks.fuzz.strategies import damaged_files, requests

        fuzz("intake", damaged_files(), refused_or_cleaned, count=options.intake, seed=options.seed)
        fuzz("requests", requests(), post, count=options.requests, seed=options.seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fuzz(
    name: str, inputs: st.SearchStrategy[Any], do: Callable[[Any], str], *, count: int, seed: int
) -> None:
    """Do it with `count` inputs, and say what came of them."""
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    if not count:
        return

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(inputs)
    def run(given: Any) -> None:
        nonlocal slowest
        begun = time.process_time()
        outcomes[do(given)] += 1
        seconds = time.process_time() - begun
        slowest = max(slowest, seconds)
        assert seconds < SECONDS, f"{seconds:.1f} s of processor time"
        if outcomes.total() % SAY_EVERY == 0:
            say(name, outcomes, slowest)

    run()
    say(name, outcomes, slowest, final=True)


def refused_or_cleaned(data: bytes) -> str:
    """Do what the intake does; anything but a refusal that says why is a crash."""
    try:
        take_in(data)
    except EngineError as error:
        return error.code
    return "cleaned"


def site_in(folder: Path) -> Callable[[tuple[str, bytes]], str]:
    """Set an installation up, and return what posts a request to it, through every layer but the socket."""
    os.environ |= {
        "MEDIMAGING_VAR": str(folder),
        "MEDIMAGING_LOG_LEVEL": "CRITICAL",
        "MEDIMAGING_THROTTLE_USER": "100000000/min",
        "DJANGO_SETTINGS_MODULE": "medimaging.settings",
    }
    os.environ.pop("MEDIMAGING_DATABASE_URL", None)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.test import Client
    from django.utils import timezone

    from accounts.models import Role, Scope, User, UserStatus
    from accounts.services.tokens import create_token
    from diagnosis.services.installation import install_shipped

    install_shipped()
    user = User.objects.create_user(
        "fuzz@example.org", full_name="Fuzz", role=Role.READER, status=UserStatus.ACTIVE
    )
    until = timezone.now() + timedelta(days=1)
    _, secret = create_token(user, name="fuzz", scopes=list(Scope.values), expires_at=until, by=user)
    client = Client(raise_request_exception=True, SERVER_NAME="localhost")

    def post(given: tuple[str, bytes]) -> str:
        content_type, body = given
        headers = {"Authorization": f"Bearer {secret}"}
        answer = client.generic("POST", "/api/v1/instances", body, content_type, headers=headers)
        assert answer.status_code < 500, answer.content[:500]
        return str(answer.status_code)

    return post


def say(name: str, outcomes: Counter[str], slowest: float, *, final: bool = False) -> None:
    """Print one line."""
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    line = {
        "target": name,
        "inputs": outcomes.total(),
        "final": final,
        "outcomes": dict(outcomes.most_common()),
        "slowest_seconds": round(slowest, 3),
        "peak_bytes": peak,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
