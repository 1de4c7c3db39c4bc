"""Idempotency-Key on every POST (draft-ietf-httpapi-idempotency-key-header)."""

import hashlib
import json
from typing import Any, ClassVar

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import IdempotentRequest, User
from accounts.services import idempotency
from accounts.services.idempotency import Answer, StillRunning
from medimaging.common.problems import application_problem

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT_HEADERS = ("Content-Type", "Location", "Retry-After", "ETag", "Preference-Applied")


class InvalidKey(ParseError):
    """The header is empty, too long, or not printable ASCII."""

    default_code = "invalid_idempotency_key"
    default_detail = f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters."


class _Replay(Exception):
    """The request was answered before."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class IdempotentPosts(APIView):
    """A view whose POSTs may be repeated under one key."""

    never_stored: ClassVar[tuple[str, ...]] = ()
    """Fields of an answer that a repeated request is not shown again."""
    _claimed: IdempotentRequest | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Admit the request, then claim its key."""
        super().initial(request, *args, **kwargs)
        if request.method != "POST" or HEADER not in request.headers or not isinstance(request.user, User):
            return
        self._claimed, answer = idempotency.claim(
            request.user,
            key=_valid_key(request.headers[HEADER]),
            method=request.method,
            path=request.path[:300],
            fingerprint=fingerprint_of(request),
        )
        if answer is not None:
            self._claimed = None
            raise _Replay(answer)

    def handle_exception(self, exc: Exception) -> Any:
        """Answer a repeated request; give the key back where there is no answer at all."""
        if isinstance(exc, _Replay):
            return _replayed(exc.answer)
        if isinstance(exc, StillRunning):
            response = application_problem(exc)
            response["Retry-After"] = "1"
            return response
        try:
            return super().handle_exception(exc)
        except Exception:
            if self._claimed is not None:
                idempotency.release(self._claimed)
            raise

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep the answer of a request that claimed a key."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if self._claimed is None:
            return response
        if response.status_code >= 500:
            idempotency.release(self._claimed)
        elif isinstance(response, HttpResponse):
            idempotency.store_answer(self._claimed, self._answer_of(response))
        return response

    def _answer_of(self, response: HttpResponse) -> Answer:
        if isinstance(response, Response):
            response.render()
        body = response.content.decode()
        if self.never_stored and body:
            shown = json.loads(body)
            body = json.dumps(shown | dict.fromkeys(set(self.never_stored) & set(shown)))
        headers = {name: response[name] for name in KEPT_HEADERS if name in response}
        return Answer(response.status_code, body, headers)


def fingerprint_of(request: Request) -> str:
    """Return the hash of what was asked: the query, the fields, and the content of the files.

    A multipart body is hashed by its parts, because a client that repeats it
    draws a new boundary.
    """
    digest = hashlib.sha256()
    files = request.FILES
    fields = {name: value for name, value in _fields(request.data) if name not in files}
    said = [request.META.get("QUERY_STRING", ""), fields if files or fields else request.data]
    digest.update(json.dumps(said, sort_keys=True, default=str).encode())
    for name in sorted(files):
        for file in files.getlist(name):
            digest.update(name.encode() + b"\0" + _file_hash(file))
    return digest.hexdigest()


def _fields(data: Any) -> list[tuple[str, Any]]:
    if hasattr(data, "lists"):
        return list(data.lists())
    return list(data.items()) if isinstance(data, dict) else []


def _file_hash(file: UploadedFile[Any]) -> bytes:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.digest()


def _valid_key(key: str) -> str:
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise InvalidKey
    return key


def _replayed(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, headers=answer.headers)
    response["Idempotent-Replayed"] = "true"
    return response
