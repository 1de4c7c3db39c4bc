"""People of every role who sign in with their password, and one row of every model."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from diagnosis.models import (
    Analysis,
    AnalysisState,
    Assignment,
    Claim,
    Erasure,
    Export,
    FindingBox,
    Instance,
    PartialUpload,
    Review,
    ReviewFinding,
    SavedFilter,
)
from mlcore.models import (
    DatasetItem,
    DatasetLabel,
    DatasetVersion,
    Embedding,
    ForgottenImage,
    GateReport,
    ServingProcess,
    TrainingRun,
)
from mlcore.plans import plan_in_force
from tests.factories import (
    PASSWORD,
    AnalysisFactory,
    ExplanationFactory,
    FindingFactory,
    InstanceFactory,
    ReviewFactory,
    ReviewFindingFactory,
    SimilarInstanceFactory,
    UploadFactory,
    UserFactory,
)


@pytest.fixture
def steward(db: None) -> User:
    """Return an active data steward."""
    return UserFactory.create(email="steward@example.org", full_name="Stella", role=Role.DATA_STEWARD)


@pytest.fixture
def auditor(db: None) -> User:
    """Return an active auditor."""
    return UserFactory.create(email="auditor@example.org", full_name="Aude", role=Role.AUDITOR)


@pytest.fixture
def log_in(client: Client) -> Callable[[User], Client]:
    """Return a function that signs a user in with their password."""

    def log_in(user: User) -> Client:
        assert client.login(email=user.email, password=PASSWORD)
        return client

    return log_in


def make_rows(number: int) -> list[Analysis]:
    """Make `number` rows of every model; each has a study, a patient and people of its own."""
    analyses = []
    for _ in range(number):
        analysis = AnalysisFactory.create()
        ExplanationFactory.create(finding=FindingFactory.create(analysis=analysis))
        SimilarInstanceFactory.create(analysis=analysis, instance=InstanceFactory.create())
        review = ReviewFactory.create(study=analysis.instance.series.study)
        read(review, finding=ReviewFindingFactory.create(review=review), instance=analysis.instance)
        upload = UploadFactory.create(uploaded_by=review.reader)
        PartialUpload.objects.create(uploaded_by=review.reader, byte_count=10, upload=upload)
        Embedding.objects.create(
            embedding_version="test-1", source_id=str(analysis.instance_id), group="p", vector=b"\0" * 64
        )
        Erasure.objects.create(
            instance=analysis.instance,
            instance_key=analysis.instance_id,
            requested_by=review.reader,
            reason="The patient asked for it.",
        )
        endpoint = WebhookEndpoint.objects.create(owner=review.reader, url="https://hooks.example.org/x")
        delivery = WebhookDelivery.objects.create(endpoint=endpoint, event="review.signed", body="{}")
        WebhookAttempt.objects.create(delivery=delivery, status=500, duration_ms=12)
        Export.objects.create(requested_by=review.reader, kind="studies", format="csv")
        ForgottenImage.objects.create(source_id=str(analysis.instance_id), content_key="instances/x.png")
        ServingProcess.objects.create(
            name=f"host:{analysis.pk}", started_at=timezone.now(), seen_at=timezone.now()
        )
        learn_from(analysis)
        analyses.append(analysis)
    return analyses


def read(review: Review, *, finding: ReviewFinding, instance: Instance) -> None:
    """Make a row of each model about who reads what, and where they saw it."""
    FindingBox.objects.create(finding=finding, instance=instance, left=1, top=2, width=3, height=4)
    Claim.objects.create(study=review.study, reader=review.reader, expires_at=timezone.now())
    Assignment.objects.create(study=review.study, reader=review.reader, assigned_by=review.reader)
    SavedFilter.objects.create(user=review.reader, name="Mine", query="tab=mine")


def learn_from(analysis: Analysis) -> None:
    """Make a row of each model about datasets and training."""
    version = analysis.model_version
    key = str(analysis.instance_id)
    item = DatasetItem.objects.create(
        examination_type=version.examination_type, source_id=key, content_key=key, group="p", fold="train"
    )
    DatasetLabel.objects.create(item=item, condition="c", present=True, labeled_by="r", origin_id="o")
    dataset = DatasetVersion.objects.create(
        examination_type=version.examination_type, number=1, manifest_key=key, item_count=1
    )
    plan_in_force(version.examination_type)
    TrainingRun.objects.create(
        examination_type=version.examination_type, dataset_version=dataset, architecture="tiny_cnn"
    )
    GateReport.objects.create(
        candidate=version,
        dataset_version=dataset,
        passed=True,
        criteria=[
            {"name": "overall", "passed": True, "measured": 0.9712, "limit": 0.96, "reason": "Not inferior."}
        ],
        figures={"c": {"incumbent": {"auroc": 0.9653}, "candidate": {"auroc": 0.9712}}},
    )


@pytest.fixture
def analysis(db: None) -> Analysis:
    """Return an analysis, with one row of every other model around it."""
    return make_rows(1)[0]


@pytest.fixture
def failed(analysis: Analysis) -> Analysis:
    """Return an analysis that failed."""
    Analysis.objects.update(state=AnalysisState.FAILED, failure_code="unreadable_image")
    analysis.refresh_from_db()
    return analysis
