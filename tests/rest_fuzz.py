"""Throw requests at every operation of the OpenAPI description, and look for one that breaks the site.

    python -m tests.rest_fuzz --url http://127.0.0.1:8000 --examples 200     # token in MEDIMAGING_TOKEN

The suite runs it with few examples (tests/test_rest_fuzz.py). It needs a site whose throttle is
raised (MEDIMAGING_THROTTLE_USER), and fills it with what it makes up: never give it a real one.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

DESCRIPTION = Path(__file__).resolve().parent.parent / "openapi.yaml"
CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
"""What must hold of whatever is sent: no answer is a 5xx, and each is one that the description promises."""


def fuzz(
    url: str, *, token: str, examples: int, seed: int, seconds: int
) -> "subprocess.CompletedProcess[str]":
    """Run schemathesis against a live site; the exit status is 0 where nothing broke it."""
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            [
                *(str(Path(sys.executable).parent / "schemathesis"), "run", str(DESCRIPTION)),
                *("--url", url, "--header", f"Authorization: Bearer {token}"),
                *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing"),
                *("--max-examples", str(examples), "--seed", str(seed), "--workers", "1"),
                *("--max-time", str(seconds), "--continue-on-failure", "--no-shrink", "--no-color"),
                *("--request-timeout", "60", "--suppress-health-check", "all", "--warnings", "off"),
                *("--generation-database", "none", "--report-dir", folder),
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=seconds + 300,
            check=False,
        )


def main() -> int:
    """Run from a shell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3600)
    asked = parser.parse_args()
    token = os.environ["MEDIMAGING_TOKEN"]
    done = fuzz(asked.url, token=token, examples=asked.examples, seed=asked.seed, seconds=asked.seconds)
    print(done.stdout[-20_000:], done.stderr[-5000:])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
