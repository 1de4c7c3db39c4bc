"""Headers of the REST interface: ETag and If-Match (RFC 9110), Prefer (RFC 7240)."""

import re
from typing import Protocol

from django.utils.http import parse_etags
from rest_framework.request import Request

from medimaging.common.errors import StaleVersion
from medimaging.common.problems import PreconditionRequired

LONGEST_WAIT_SECONDS = 30
WAIT = re.compile(r'^\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:;.*)?$', re.IGNORECASE)


class Revised(Protocol):
    """A row that counts its changes."""

    @property
    def revision(self) -> int:
        """Return a number that differs after each change."""


def etag_of(row: Revised) -> str:
    """Return the entity tag of the row as it stands."""
    state = getattr(row, "state", "")
    return f'"{row.revision}-{state}"' if state else f'"{row.revision}"'


def expected_revision(request: Request, row: Revised, *, required: bool = True) -> int | None:
    """Return the revision that the caller has read, once If-Match names it.

    Raises:
        PreconditionRequired: there is no If-Match, and it is required.
        StaleVersion: the row is no longer as the caller read it.
    """
    given = request.headers.get("If-Match", "").strip()
    if not given:
        if required:
            raise PreconditionRequired
        return None
    tags = parse_etags(given)
    if tags == ["*"]:
        return row.revision
    if etag_of(row) not in tags:
        raise StaleVersion("This was changed after you had read it.")
    return row.revision


def preferred_wait(request: Request) -> int:
    """Return for how many seconds the caller prefers to wait, within bounds; 0 if not at all."""
    for preference in request.headers.get("Prefer", "").split(","):
        match = WAIT.match(preference)
        if match:
            return min(int(match[1]), LONGEST_WAIT_SECONDS)
    return 0
