"""Errors of the REST interface as RFC 9457 problem details."""

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.utils.encoders import JSONEncoder

from medimaging.common.errors import ApplicationError, TooMany

PROBLEM_TYPE = "application/problem+json"


class PreconditionRequired(exceptions.APIException):
    """A change was sent without saying which version it changes (RFC 6585)."""

    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_code = "precondition_required"
    default_detail = "Send If-Match with the ETag that you read."


class BodyTooLarge(exceptions.APIException):
    """The body is larger than the endpoint reads."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"
    default_detail = "The body is larger than is read here."


class LengthRequired(exceptions.APIException):
    """The body comes in chunks, without saying how long it is."""

    status_code = HTTPStatus.LENGTH_REQUIRED
    default_code = "length_required"
    default_detail = "Send the body with a Content-Length."


class InvalidCursor(exceptions.APIException):
    """The cursor is not one that this list gave out."""

    status_code = HTTPStatus.BAD_REQUEST
    default_code = "invalid_cursor"
    default_detail = "This cursor is not one of this list. Begin again without it."


def problem(
    status: int,
    *,
    code: str,
    detail: str,
    title: str = "",
    mend: str = "",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> HttpResponse:
    """Return one problem document; it is JSON whatever the endpoint renders."""
    body = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
        **({"mend": mend} if mend else {}),
        **more,
    }
    content = json.dumps(body, cls=JSONEncoder)
    response = HttpResponse(content, status=status, content_type=PROBLEM_TYPE)
    for name, value in (headers or {}).items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response


def problem_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Shape every error of the REST layer; what is not meant for people rises."""
    error = _as_known(error)
    if isinstance(error, ApplicationError):
        return application_problem(error)
    if isinstance(error, exceptions.ValidationError):
        return problem(
            error.status_code,
            code="invalid",
            detail="Some of what was sent is not valid; see errors.",
            errors=error.detail,
        )
    if isinstance(error, exceptions.APIException):
        return _api_problem(error)
    return None


def application_problem(error: ApplicationError) -> HttpResponse:
    """Return the problem document of what a service said."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}
    return problem(error.status, code=error.code, detail=error.message, mend=str(error.mend), headers=headers)


def _as_known(error: Exception) -> Exception:
    """Return the error of the REST framework that says the same."""
    if isinstance(error, Http404):
        return exceptions.NotFound("This does not exist, or you may not see it.")
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, DjangoValidationError):
        return exceptions.ValidationError(error.messages)
    if isinstance(error, RequestDataTooBig):
        return BodyTooLarge()
    if isinstance(error, UnreadablePostError):
        return exceptions.ParseError("The body ended before it was complete.")
    if isinstance(error, TooManyFieldsSent | TooManyFilesSent | MultiPartParserError | SuspiciousOperation):
        return exceptions.ParseError("The request could not be read.")
    return error


def _api_problem(error: exceptions.APIException) -> HttpResponse:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if getattr(error, "wait", None) is not None:
        headers["Retry-After"] = str(math.ceil(error.wait))  # type: ignore[attr-defined]
    codes = error.get_codes()
    return problem(
        error.status_code,
        code=codes if isinstance(codes, str) else "error",
        detail=str(error.detail),
        headers=headers,
    )
