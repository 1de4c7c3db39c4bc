"""Errors that a person caused and may read."""

from http import HTTPStatus

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy


class ApplicationError(Exception):
    """Base of every error that is fit to be shown to the person who caused it.

    `code` is stable and machine-readable, `message` says what is wrong, `mend`
    what to do about it, `status` is what the REST layer answers with.
    """

    code = "application_error"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    mend: "str | Promise" = ""

    def __init__(self, message: str, *, mend: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = str(mend or self.mend)
        self.code = code or self.code

    def __str__(self) -> str:
        return f"{self.message} {self.mend}".strip()


class Conflict(ApplicationError):
    """What was asked for does not fit the state things are in now."""

    code = "conflict"
    status = HTTPStatus.CONFLICT


class StaleVersion(ApplicationError):
    """Somebody else changed the row after the caller had read it."""

    code = "stale_version"
    status = HTTPStatus.PRECONDITION_FAILED
    mend = gettext_lazy("Load it again, look at what changed, and repeat your change.")


class TooMany(ApplicationError):
    """The person has used up what they may do in a while; `retry_after` is in seconds."""

    code = "too_many"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, *, retry_after: int, mend: str = "", code: str = "") -> None:
        super().__init__(message, mend=mend, code=code)
        self.retry_after = retry_after


class NotAllowed(ApplicationError):
    """The person may see the row, but not do this to it."""

    code = "not_allowed"
    status = HTTPStatus.FORBIDDEN
