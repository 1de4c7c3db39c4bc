"""Keep what identifies somebody out of the logs, whoever writes them."""

import re

from structlog.typing import EventDict, WrappedLogger

ADDRESS = re.compile(r"[^\s\"'<>()@,;:]+@[^\s\"'<>()@,;:]+\.[^\s\"'<>()@,;:]+")
ROW_VALUES = re.compile(r"^\s*DETAIL:.*$", re.MULTILINE)
"""PostgreSQL quotes the row that breaks a rule."""
SECRET = re.compile(r"\bmi_[\w-]{10,}")
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
LONGEST_SEGMENT = 24
"""Longer parts of a path are keys of letters or identifiers of DICOM, unless they are our own."""


def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take addresses, tokens and quoted rows out of every text of a log entry."""
    return {name: scrub_text(value) if isinstance(value, str) else value for name, value in event.items()}


def scrub_text(text: str) -> str:
    """Return `text` without addresses, tokens and quoted rows."""
    for pattern, instead in ((ADDRESS, "[address]"), (ROW_VALUES, "DETAIL: [left out]"), (SECRET, "[token]")):
        text = pattern.sub(instead, text)
    return text


def scrub_path(path: str) -> str:
    """Return the path without what might be a key or an identifier; our own row ids stay."""
    segments = path.split("/")
    return "/".join(
        part if len(part) <= LONGEST_SEGMENT or UUID.fullmatch(part) else "[left out]" for part in segments
    )
