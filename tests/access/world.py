"""One row of everything, one person of every role, and the address of every view."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Role, User, UserStatus, WebhookDelivery
from accounts.services import audit
from diagnosis.models import AnalysisState, ConditionState, Explanation, Export, Finding, SavedFilter
from diagnosis.services.reviews import start_review
from medimaging.common.storage import store_content
from mlcore.engine.imaging.maps import encode_map
from mlcore.models import DatasetItem, DatasetVersion, ModelState, TrainingRun
from tests.diagnosis.admin.conftest import make_rows
from tests.factories import ApiTokenFactory, ConditionFactory, ModelVersionFactory, UploadFactory, UserFactory
from tests.pictures import texture_png

ROLES = (
    "reader",
    "steward",
    "administrator",
    "integrator",
    "auditor",
    "suspended",
    "anonymous",
    "stranger",
)
"""The reader owns every row; the stranger is another reader."""
API_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PAGE_METHODS = ("GET", "POST")
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")


@dataclass(frozen=True)
class View:
    """One pattern of the site."""

    name: str
    route: str
    is_api: bool

    @property
    def methods(self) -> tuple[str, ...]:
        return API_METHODS if self.is_api else PAGE_METHODS

    def address(self, values: "Values") -> str:
        """Return the address at which the view answers about the one row there is."""
        if self.name == "api:unknown":
            return "/api/v1/none"
        text = GROUP.sub(lambda found: values.of(self.name, found[1]), self.route)
        text = PARAMETER.sub(lambda found: values.of(self.name, found[1]), text)
        return "/" + text.replace("^", "").replace("/?$", "").replace("$", "").replace("\\.", ".")


def views() -> list[View]:
    """Return every pattern of the site, each under a name of its own."""
    found: dict[str, View] = {}
    for name, route, callback in _walk(get_resolver(), "", ""):
        key = name or route
        key = key if key not in found else route
        found[key] = View(key, route, is_api=hasattr(callback, "cls"))
    return list(found.values())


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[tuple[str, str, Any]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            name = f"{namespace}:{pattern.name}" if namespace and pattern.name else pattern.name or ""
            yield name, route, pattern.callback
        else:
            inner = ":".join(part for part in (namespace, pattern.namespace) if part)
            yield from _walk(pattern, route, inner)


@dataclass
class Values:
    """What the parameters of addresses stand for."""

    by_view: dict[str, str] = field(default_factory=dict)
    """By the start of a view's name: the key of its row."""
    by_parameter: dict[str, str] = field(default_factory=dict)

    def of(self, view: str, parameter: str) -> str:
        """Return a value for one parameter of one view."""
        if parameter in {"pk", "object_id"}:
            admin = re.match(r"admin:(\w+?)_(\w+)_(?:change|history|delete|action)$", view) or re.match(
                r"admin/(\w+)/(\w+)/<path:object_id>/", view
            )
            if admin:
                row = apps.get_model(admin[1], admin[2])._default_manager.first()
                return str(row.pk) if row else "0"
            known = [start for start in self.by_view if view.startswith(start)]
            if known:
                return self.by_view[max(known, key=len)]
        return self.by_parameter.get(parameter, "none")


@dataclass
class World:
    """The people and what they own."""

    people: dict[str, User]
    tokens: dict[str, str]
    values: Values

    def client(self, role: str, *, api: bool) -> Client:
        """Return a client that is who it is: by a token for REST, by a session for pages."""
        client = Client(raise_request_exception=False)
        if role == "anonymous":
            return client
        if api:
            client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {self.tokens[role]}"
        else:
            client.force_login(self.people[role])
        return client


def make_world() -> World:
    """Make one row of everything, all of it the reader's."""
    people = {
        "reader": UserFactory.create(full_name="Rhea Reader"),
        "steward": UserFactory.create(role=Role.DATA_STEWARD),
        "administrator": UserFactory.create(role=Role.ADMINISTRATOR),
        "integrator": UserFactory.create(role=Role.INTEGRATOR),
        "auditor": UserFactory.create(role=Role.AUDITOR),
        "suspended": UserFactory.create(),
        "stranger": UserFactory.create(full_name="Charlie Stranger"),
    }
    tokens = {role: ApiTokenFactory.create(user=user).secret for role, user in people.items()}
    User.objects.filter(pk=people["suspended"].pk).update(status=UserStatus.SUSPENDED)
    with transaction.atomic():
        audit.record("study.open", by=people["reader"], target=people["reader"])
    _note_what_libraries_keep(people["reader"])
    return World(people, tokens, _rows_of(people["reader"]))


def _note_what_libraries_keep(reader: User) -> None:
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=reader, content_type=kind, object_id=reader.pk, object_repr="x", action_flag=CHANGE
    )
    EmailAddress.objects.create(user=reader, email=reader.email)
    Authenticator.objects.create(user=UserFactory.create(), type="recovery_codes", data={})
    UserSession.objects.create(user=reader, ip="127.0.0.1", session_key="x", user_agent="x")


def _rows_of(reader: User) -> Values:
    analysis = make_rows(1)[0]
    instance, study = analysis.instance, analysis.instance.series.study
    type(instance).objects.filter(pk=instance.pk).update(
        content_key=store_content(texture_png(1), kind="instances", extension="png")
    )
    type(study).objects.filter(pk=study.pk).update(owner=reader)
    study.refresh_from_db()
    type(analysis).objects.filter(pk=analysis.pk).update(
        state=AnalysisState.FAILED, failure_code="unreadable_image"
    )
    key = store_content(encode_map(np.ones((4, 4), np.float32)), kind="saliency", extension="png")
    Finding.objects.update(saliency_key=key)
    Export.objects.update(requested_by=reader)
    SavedFilter.objects.update(user=reader)
    delivery = WebhookDelivery.objects.select_related("endpoint").get()
    type(delivery.endpoint).objects.update(owner=reader)
    candidate = ModelVersionFactory.create(
        examination_type=study.examination_type, state=ModelState.CANDIDATE
    )
    review = start_review(study, by=reader)
    proposed = ConditionFactory.create(
        examination_type=study.examination_type, state=ConditionState.PROPOSED, proposed_by=reader
    )
    upload = UploadFactory.create(uploaded_by=reader, instance=instance)
    rows: dict[str, models.Model] = {
        "api:token": ApiTokenFactory.create(user=reader),
        "api:webhook": delivery.endpoint,
        "api:webhook-delivery": delivery,
        "api:study": study,
        "api:instance": instance,
        "api:analysis": analysis,
        "api:finding": Finding.objects.get(),
        "api:review": review,
        "api:condition": proposed,
        "api:upload": upload,
        "api:export": Export.objects.get(),
        "api:model-version": candidate,
        "api:training-run": TrainingRun.objects.get(),
        "api:dataset": DatasetVersion.objects.get(),
        "api:dataset-item": DatasetItem.objects.get(),
        "diagnosis:study": study,
        "diagnosis:review": review,
        "diagnosis:analysis": analysis,
        "diagnosis:instance": instance,
        "diagnosis:finding": Finding.objects.get(),
        "diagnosis:model": candidate,
        "diagnosis:training": TrainingRun.objects.get(),
        "api:explanation": Explanation.objects.get(),
        "diagnosis:explanation": Explanation.objects.get(),
        "diagnosis:filter": SavedFilter.objects.get(),
        "diagnosis:token": ApiTokenFactory.create(user=reader),
    }
    return Values(
        by_view={start: str(row.pk) for start, row in rows.items()},
        by_parameter={
            "study": study.study_instance_uid,
            "series": instance.series.series_instance_uid,
            "instance": instance.sop_instance_uid,
            "frames": "1",
            "tag": "7FE00010",
            "code": study.examination_type.code,
            "other": str(DatasetVersion.objects.get().pk),
            "decision": "activate",
            "name": "none",
            "app_label": "diagnosis",
            "uidb36": "1",
            "key": "set-password",
            "pk": "6fd5a1f0-26f6-4b50-a9a4-0f3e26b8a5b0",
            "object_id": "0",
            "content_type_id": "0",
            "url": "none",
        },
    )
