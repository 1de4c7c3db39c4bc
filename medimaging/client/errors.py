"""What can go wrong when the site is asked."""

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """Base of everything that the client raises."""


class TimedOut(ClientError):
    """What was waited for did not come to its end in time."""


class Unreachable(ClientError):
    """The site did not answer."""


class Problem(ClientError):
    """The site refused, and said why (RFC 9457). A program looks at `code`, which is stable."""

    def __init__(self, body: Mapping[str, Any], *, status: int) -> None:
        self.status = status
        self.code = str(body.get("code", "error"))
        self.detail = str(body.get("detail", f"The site answered {status}."))
        self.mend = str(body.get("mend", ""))
        self.errors: Any = body.get("errors")
        super().__init__(" ".join(part for part in (self.detail, self.mend, self._fields()) if part))

    def _fields(self) -> str:
        return f"({self.errors})" if self.errors else ""
