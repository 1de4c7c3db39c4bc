"""Hold the pinned packages against the public advisories; strict where they can be reached.

Without a way to the advisory service nothing is audited, which is said and is no failure: a build must
not depend on a server elsewhere. One known vulnerability is a failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PINNED = ["requirements.txt", "requirements-dev.txt"]


def main() -> None:
    """Audit each file of pins, print the verdicts, end with 1 where one is bad."""
    program = str(Path(sys.executable).with_name("pip-audit"))
    worst = 0
    for pinned in PINNED:
        command = [program, "--requirement", pinned, "--disable-pip", "--format", "json", "--timeout", "10"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        code, sentence = verdict(done.stdout)
        sys.stdout.write(f"{pinned}: {sentence}\n")
        worst = max(worst, code)
    sys.exit(worst)


def verdict(report: str) -> tuple[int, str]:
    """Return exit code and sentence for what pip-audit printed."""
    try:
        found: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        return 0, "NOT AUDITED: the advisory service cannot be reached."
    audited = [package for package in found if "skip_reason" not in package]
    bad = [package for package in audited if package["vulns"]]
    if bad:
        named = ", ".join(f"{p['name']} {p['version']} ({p['vulns'][0]['id']})" for p in bad)
        return 1, f"{len(bad)} packages with known vulnerabilities: {named}"
    if not audited:
        return 0, f"NOT AUDITED: the advisory service knows none of the {len(found)} packages."
    left = f", {len(found) - len(audited)} not known to the service" if len(audited) < len(found) else ""
    return 0, f"no known vulnerability in {len(audited)} packages{left}."


if __name__ == "__main__":
    main()
