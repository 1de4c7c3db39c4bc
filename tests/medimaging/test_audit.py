"""The audit of the pinned packages is strict where it can be, and says where it was none."""

import json
import runpy

import pytest
from django.conf import settings

VULNERABLE = {"name": "bad", "version": "1.0", "vulns": [{"id": "PYSEC-1"}]}
SOUND = {"name": "good", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "own", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("packages", "code", "says"),
    [
        ([SOUND, VULNERABLE], 1, "bad 1.0 (PYSEC-1)"),
        ([SOUND], 0, "no known vulnerability in 1 packages."),
        ([SOUND, UNKNOWN], 0, "1 not known to the service"),
        ([UNKNOWN], 0, "NOT AUDITED"),
    ],
)
def test_one_known_vulnerability_fails_and_no_answer_is_said(packages, code, says):
    verdict = runpy.run_path(str(settings.BASE_DIR / ".ci" / "audit.py"))["verdict"]
    found, sentence = verdict(json.dumps({"dependencies": packages}))
    assert found == code
    assert says in sentence


def test_a_service_that_cannot_be_reached_is_no_clean_verdict():
    verdict = runpy.run_path(str(settings.BASE_DIR / ".ci" / "audit.py"))["verdict"]
    assert verdict("") == (0, "NOT AUDITED: the advisory service cannot be reached.")
