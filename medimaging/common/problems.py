"""Errors of the REST interface as RFC 9457 problem details."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from medimaging.common.errors import ApplicationError

PROBLEM_TYPE = "application/problem+json"


def problem(
    status: int,
    *,
    code: str,
    detail: str,
    title: str = "",
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """Return one problem document."""
    body = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    return Response(body, status=status, headers=headers, content_type=PROBLEM_TYPE)


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Shape every error of the REST layer; what is not meant for people rises."""
    if isinstance(error, ApplicationError):
        more = {"mend": error.mend} if error.mend else {}
        return problem(error.status, code=error.code, detail=error.message, **more)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    response = exception_handler(error, context)
    if response is None or not isinstance(error, exceptions.APIException):
        return response
    headers = {name: response[name] for name in ("WWW-Authenticate", "Retry-After") if name in response}
    if isinstance(error, exceptions.ValidationError):
        return problem(
            response.status_code,
            code="invalid",
            detail="Some fields are not valid; see errors.",
            headers=headers,
            errors=response.data,
        )
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else "error"
    return problem(response.status_code, code=code, detail=str(error.detail), headers=headers)
