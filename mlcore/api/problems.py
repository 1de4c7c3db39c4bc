"""The site's one handler of REST errors: what the engine says is fit to be read too."""

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from medimaging.common.problems import problem, problem_handler
from mlcore.engine.errors import EngineError

STATUS_OF = {
    "unknown_format": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unsupported_image": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "image_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "conflicting_instance": HTTPStatus.CONFLICT,
    "no_such_frame": HTTPStatus.NOT_FOUND,
}


def status_of(code: str) -> HTTPStatus:
    """Return the status that goes with what is wrong with an image."""
    return STATUS_OF.get(code, HTTPStatus.UNPROCESSABLE_ENTITY)


def site_problem_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Shape every error of the REST layer."""
    if isinstance(error, EngineError):
        return problem(status_of(error.code), code=error.code, detail=error.message, mend=error.mend)
    return problem_handler(error, context)
