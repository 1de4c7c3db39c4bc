"""How the OpenAPI description is made."""

import re
from collections.abc import Callable
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

Endpoint = tuple[str, str, str, Callable[..., Any]]

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong, as RFC 9457 says it.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; what a program should look at."},
        "detail": {"type": "string", "description": "What is wrong."},
        "mend": {"type": "string", "description": "What to do about it."},
        "errors": {"description": "By field: what is not valid."},
    },
}
COMPONENTS: dict[str, Any] = {
    "schemas": {"Problem": PROBLEM_SCHEMA},
    "responses": {
        "Problem": {
            "description": "A problem document, RFC 9457.",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    },
}
IDEMPOTENCY_KEY = OpenApiParameter(
    name="Idempotency-Key",
    type={"type": "string", "minLength": 1, "maxLength": 255},
    location=OpenApiParameter.HEADER,
    description="Repeat a request with the same key and it is done once; kept for 24 hours.",
)
IF_MATCH = OpenApiParameter(
    name="If-Match",
    type=str,
    location=OpenApiParameter.HEADER,
    required=True,
    description="The ETag that you read. 412 when somebody changed it since, 428 when missing.",
)
IF_MATCH_TO_TAKE_OVER = OpenApiParameter(
    name="If-Match",
    type=str,
    location=OpenApiParameter.HEADER,
    description="The ETag of the claim to take over. 412 when it is no longer the one that stands.",
)
PREFER_WAIT = OpenApiParameter(
    name="Prefer",
    type=str,
    location=OpenApiParameter.HEADER,
    description="`wait=N`: answer when the analysis is final, or after N seconds (30 at most).",
)
ETAG = OpenApiParameter(
    name="ETag",
    type=str,
    location=OpenApiParameter.HEADER,
    response=[200, 201],
    description="What a change has to name in If-Match.",
)
TO_POLL = [
    OpenApiParameter(
        name="Location",
        type=str,
        location=OpenApiParameter.HEADER,
        response=[202],
        description="The analysis to ask for.",
    ),
    OpenApiParameter(
        name="Retry-After",
        type=int,
        location=OpenApiParameter.HEADER,
        response=[202],
        description="Seconds to wait before.",
    ),
]


class Schema(AutoSchema):
    """Describes what every endpoint has in common."""

    def get_override_parameters(self) -> list[Any]:
        """Name the header that every POST understands."""
        return [IDEMPOTENCY_KEY] if self.method == "POST" else []

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        return {**bodies, "4XX": {"$ref": "#/components/responses/Problem"}}


def without_trailing_slash(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Name each address as it is to be used: the slash at its end is optional everywhere but at the root."""
    return [
        (re.sub(r"(?<=/v1/)(.+)/$", r"\1", path), regex, method, callback)
        for path, regex, method, callback in endpoints
    ]


def with_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add what every endpoint answers with when something is wrong."""
    components = result.setdefault("components", {})
    for kind, entries in COMPONENTS.items():
        components[kind] = dict(sorted({**components.get(kind, {}), **entries}.items()))
    return result
