"""One row of everything, and one person of every role."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User, UserStatus, WebhookDelivery
from accounts.services import audit
from diagnosis.models import (
    AnalysisState,
    ConditionState,
    Explanation,
    ExplanationState,
    Export,
    Finding,
    PartialUpload,
    Review,
    ReviewState,
    SavedFilter,
    Study,
)
from diagnosis.services.reviews import amend_review
from medimaging.common.storage import store_content
from mlcore.engine.imaging.maps import encode_map
from mlcore.models import ChangePlan, DatasetItem, DatasetVersion, ModelState, TrainingRun
from tests.access.addresses import Values
from tests.diagnosis.admin.conftest import make_rows
from tests.factories import ApiTokenFactory, ConditionFactory, ModelVersionFactory, UploadFactory, UserFactory
from tests.mlcore.engine.imaging.samples import dicom

ROLES = (
    "reader",
    "steward",
    "administrator",
    "integrator",
    "auditor",
    "pending",
    "suspended",
    "anonymous",
    "stranger",
)
"""The reader owns every row; the stranger is another reader."""
Form = tuple[dict[str, Any], dict[str, str]]
"""The fields and the headers of a request that would be done as asked, were it allowed."""


@dataclass
class World:
    """The people and what they own."""

    people: dict[str, User]
    tokens: dict[str, str]
    values: Values
    forms: dict[str, Form]

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
        "pending": UserFactory.create(),
        "suspended": UserFactory.create(),
        "stranger": UserFactory.create(full_name="Charlie Stranger"),
    }
    tokens = {role: ApiTokenFactory.create(user=user).secret for role, user in people.items()}
    for status in (UserStatus.PENDING, UserStatus.SUSPENDED):
        User.objects.filter(pk=people[status.value].pk).update(status=status)
    with transaction.atomic():
        audit.record("study.open", by=people["reader"], target=people["reader"])
    _note_what_libraries_keep(people["reader"])
    values = _rows_of(people["reader"])
    study = Study.objects.get(pk=values.by_view["diagnosis:study"])
    return World(people, tokens, values, _forms_for(people["stranger"], study=study))


def _forms_for(reader: User, *, study: Study) -> dict[str, Form]:
    """Return what to send where an empty form is refused before it is asked who sent it."""
    file = SimpleUploadedFile("x.png", b"no image")
    return {
        "diagnosis:study-edit": ({"reason": "It was mistyped.", "revision": study.revision}, {}),
        "diagnosis:upload": ({"files": file}, {"Accept": "application/json"}),
        "diagnosis:upload-begin": ({}, {"Upload-Length": "10"}),
        "diagnosis:worklist-assign": ({"studies": [study.pk], "reader": reader.pk}, {}),
    }


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
        content_key=store_content(dicom("CT_small.dcm"), kind="instances", extension="dcm"),
        format="dicom",
        **{"rows": 128, "columns": 128, "bits_stored": 16},
    )
    type(study).objects.filter(pk=study.pk).update(owner=reader)
    study.refresh_from_db()
    type(analysis).objects.filter(pk=analysis.pk).update(
        state=AnalysisState.FAILED, failure_code="unreadable_image"
    )
    key = store_content(encode_map(np.ones((4, 4), np.float32)), kind="saliency", extension="png")
    Finding.objects.update(saliency_key=key)
    Explanation.objects.update(state=ExplanationState.SUCCEEDED, saliency_key=key)
    Export.objects.update(requested_by=reader)
    SavedFilter.objects.update(user=reader)
    delivery = WebhookDelivery.objects.select_related("endpoint").get()
    type(delivery.endpoint).objects.update(owner=reader)
    candidate = ModelVersionFactory.create(
        examination_type=study.examination_type, state=ModelState.CANDIDATE
    )
    Review.objects.update(reader=reader, state=ReviewState.SIGNED, signed_at=timezone.now())
    PartialUpload.objects.update(uploaded_by=reader, upload=None)
    signed = Review.objects.get()
    review = amend_review(signed, by=reader, reason="Second look.")
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
        "api:change-plan": ChangePlan.objects.get(),
        "api:training-run": TrainingRun.objects.get(),
        "api:dataset": DatasetVersion.objects.get(),
        "api:dataset-item": DatasetItem.objects.get(),
        "diagnosis:study": study,
        "diagnosis:review": review,
        "diagnosis:report": signed,
        "diagnosis:upload": PartialUpload.objects.get(),
        "diagnosis:analysis": analysis,
        "diagnosis:instance": instance,
        "diagnosis:frame-values": instance,
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
            "frame": "0",
            "tag": "7FE00010",
            "code": study.examination_type.code,
            "other": str(DatasetVersion.objects.get().pk),
            "decision": "reject",
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
