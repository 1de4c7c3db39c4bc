"""Take in the whole corpus in one process of bounded memory and say what it cost, as one line of JSON."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from mlcore.engine.errors import EngineError
from tests.hostile import CLEANED, CORPUS, take_in

MEMORY_BYTES = 3 * 1024**3


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    verdicts = {}
    for name, hostile in CORPUS.items():
        try:
            take_in(hostile.make())
            verdicts[name] = CLEANED
        except EngineError as error:
            verdicts[name] = error.code
    sys.stdout.write(json.dumps({"verdicts": verdicts, "peak_bytes": peak_bytes()}))


def peak_bytes() -> int:
    """Return the most memory this process has held; `getrusage` would count its parent's too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main()
