"""Who calls the REST interface, and what their token opens."""

from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import AnonymousUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from accounts.models import ApiToken, Scope, User
from accounts.services import tokens, users
from tests.factories import ApiTokenFactory


class Door(APIView):
    """An endpoint with the site's own defaults."""

    throttle_classes: ClassVar[list[Any]] = []
    write_scope: ClassVar[str | None] = Scope.UPLOAD

    def get(self, request: Request) -> Response:
        return Response(str(request.user.pk))

    def post(self, request: Request) -> Response:
        return Response(status=201)


class DoorWithoutScope(Door):
    write_scope = None


def knock(secret: str | None = None, *, view: type[Door] = Door, method: str = "get") -> Any:
    headers = {} if secret is None else {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    request = getattr(APIRequestFactory(), method)("/door", **headers)
    return view.as_view()(request)


def test_a_token_says_who_calls(reader: User) -> None:
    answer = knock(ApiTokenFactory.create(user=reader).secret)
    assert (answer.status_code, answer.data) == (200, str(reader.pk))


def test_a_caller_without_a_token_is_asked_for_one(db: None) -> None:
    answer = knock()
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="medimaging"'


def test_unknown_expired_revoked_and_inactive_get_one_and_the_same_answer(
    reader: User, charlie: User, administrator: User
) -> None:
    revoked, expired, suspended = (ApiTokenFactory.create(user=user) for user in (reader, reader, charlie))
    tokens.revoke_token(revoked, by=reader)
    ApiToken.objects.filter(pk=expired.pk).update(expires_at=expired.created_at)
    users.suspend_user(charlie, by=administrator, reason="x")
    secrets = ["mi_unknown", "short", revoked.secret, expired.secret, suspended.secret]
    answers = [knock(secret) for secret in secrets]
    assert {answer.status_code for answer in answers} == {401}
    assert len({(answer.content, str(sorted(answer.items()))) for answer in answers}) == 1


def test_a_token_answers_401_at_once_when_its_user_is_suspended(reader: User, administrator: User) -> None:
    secret = ApiTokenFactory.create(user=reader).secret
    assert knock(secret).status_code == 200
    users.suspend_user(reader, by=administrator, reason="x")
    assert knock(secret).status_code == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "bearer  "])
def test_a_malformed_header_is_refused(db: None, header: str) -> None:
    request = APIRequestFactory().get("/door", HTTP_AUTHORIZATION=header)
    assert Door.as_view()(request).status_code == 401


def test_reading_needs_the_scope_read(reader: User) -> None:
    assert knock(ApiTokenFactory.create(user=reader, scopes=[Scope.UPLOAD]).secret).status_code == 403
    assert knock(ApiTokenFactory.create(user=reader, scopes=[Scope.READ]).secret).status_code == 200


def test_writing_needs_the_scope_of_the_endpoint(reader: User) -> None:
    wrong = ApiTokenFactory.create(user=reader, scopes=[Scope.READ, Scope.REVIEW, Scope.TRAIN]).secret
    right = ApiTokenFactory.create(user=reader, scopes=[Scope.UPLOAD]).secret
    assert knock(wrong, method="post").status_code == 403
    assert knock(right, method="post").status_code == 201


def test_an_endpoint_that_names_no_scope_is_closed_to_writing(reader: User) -> None:
    everything = ApiTokenFactory.create(user=reader, scopes=list(Scope.values)).secret
    assert knock(everything, view=DoorWithoutScope, method="post").status_code == 403


def test_a_session_of_an_inactive_user_opens_nothing(reader: User, administrator: User) -> None:
    users.suspend_user(reader, by=administrator, reason="x")
    for user in (reader, AnonymousUser()):
        request = APIRequestFactory().get("/door")
        force_authenticate(request, user=user)
        assert Door.as_view()(request).status_code in {401, 403}
