"""The plainest valid object of each model."""

from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import ApiToken, Role, Scope, User, UserStatus
from accounts.services import tokens
from diagnosis.latest import note_latest_analysis, note_reading
from diagnosis.models import (
    Analysis,
    Condition,
    ConditionState,
    Explanation,
    ExplanationMethod,
    Finding,
    Instance,
    Patient,
    Review,
    ReviewFinding,
    ReviewState,
    Series,
    SimilarInstance,
    Study,
    Upload,
    UploadSource,
    Verdict,
)
from mlcore.engine.training.data import Fold
from mlcore.models import (
    DatasetItem,
    DatasetLabel,
    DatasetVersion,
    ExaminationType,
    GateReport,
    ItemState,
    ModelState,
    ModelVersion,
    TrainingRun,
)
from mlcore.plans import plan_in_force

PASSWORD = "correct horse battery staple"


class UserFactory(DjangoModelFactory[User]):
    """An active reader."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"user{n}@example.org")
    full_name = factory.Sequence(lambda n: f"User {n}")
    status = UserStatus.ACTIVE
    role = Role.READER
    intended_use_acknowledged_at = factory.LazyFunction(timezone.now)
    password = factory.django.Password(PASSWORD)


class AdministratorFactory(UserFactory):
    """An active administrator."""

    role = Role.ADMINISTRATOR


class ApiTokenFactory(DjangoModelFactory[ApiToken]):
    """A token that opens everything for a day; `secret` is on the object."""

    class Meta:
        model = ApiToken

    user = factory.SubFactory(UserFactory)

    @classmethod
    def _create(cls, model_class: type[ApiToken], *args: Any, **kwargs: Any) -> ApiToken:
        user = kwargs["user"]
        values = {
            "name": "test",
            "scopes": list(Scope.values),
            "expires_at": timezone.now() + timedelta(days=1),
        } | {name: value for name, value in kwargs.items() if name != "user"}
        token, secret = tokens.create_token(user, by=user, **values)
        token.secret = secret  # type: ignore[attr-defined]
        return token


class ExaminationTypeFactory(DjangoModelFactory[ExaminationType]):
    """A type of examination."""

    class Meta:
        model = ExaminationType

    code = factory.Sequence(lambda n: f"examination-{n}")
    name = factory.Sequence(lambda n: f"Examination {n}")


class ConditionFactory(DjangoModelFactory[Condition]):
    """An approved condition."""

    class Meta:
        model = Condition

    examination_type = factory.SubFactory(ExaminationTypeFactory)
    code = factory.Sequence(lambda n: f"condition-{n}")
    name = factory.Sequence(lambda n: f"Condition {n}")
    state = ConditionState.APPROVED


class ModelVersionFactory(DjangoModelFactory[ModelVersion]):
    """An active version without a file behind it."""

    class Meta:
        model = ModelVersion

    examination_type = factory.SubFactory(ExaminationTypeFactory)
    version = factory.Sequence(lambda n: n + 1)
    state = ModelState.ACTIVE
    name = "model"
    architecture = "tiny_cnn"
    embedding_version = "test-1"
    artifact_key = "models/none.mmodel"
    artifact_sha256 = factory.Sequence(lambda n: f"{n:064x}")
    trained_at = factory.LazyFunction(timezone.now)


class PatientFactory(DjangoModelFactory[Patient]):
    """A patient."""

    class Meta:
        model = Patient

    pseudonym = factory.Sequence(lambda n: f"P{n:012d}")


class StudyFactory(DjangoModelFactory[Study]):
    """A study without images."""

    class Meta:
        model = Study

    owner = factory.SubFactory(UserFactory)
    patient = factory.SubFactory(PatientFactory)
    examination_type = factory.SubFactory(ExaminationTypeFactory)
    study_instance_uid = factory.Sequence(lambda n: f"2.25.{n + 1}")


class SeriesFactory(DjangoModelFactory[Series]):
    """A series without images."""

    class Meta:
        model = Series

    study = factory.SubFactory(StudyFactory)
    series_instance_uid = factory.Sequence(lambda n: f"2.25.1{n + 1}")


class InstanceFactory(DjangoModelFactory[Instance]):
    """An instance without a file behind it."""

    class Meta:
        model = Instance

    series = factory.SubFactory(SeriesFactory)
    sop_instance_uid = factory.Sequence(lambda n: f"2.25.2{n + 1}")
    content_key = factory.Sequence(lambda n: f"instances/{n}.png")
    format = "png"
    byte_count = 100
    rows = 10
    columns = 10
    bits_stored = 8
    photometric_interpretation = "MONOCHROME2"


class UploadFactory(DjangoModelFactory[Upload]):
    """A file that was just received."""

    class Meta:
        model = Upload

    uploaded_by = factory.SubFactory(UserFactory)
    source = UploadSource.REST
    digest = factory.Sequence(lambda n: f"{n:064x}")
    byte_count = 100


class AnalysisFactory(DjangoModelFactory[Analysis]):
    """A pending analysis by an active version of the study's examination type."""

    class Meta:
        model = Analysis

    instance = factory.SubFactory(InstanceFactory)
    model_version = factory.SubFactory(
        ModelVersionFactory,
        examination_type=factory.SelfAttribute("..instance.series.study.examination_type"),
    )

    @classmethod
    def _create(cls, model_class: type[Analysis], *args: Any, **kwargs: Any) -> Analysis:
        """Let the study name its latest analysis, as the services do."""
        analysis: Analysis = super()._create(model_class, *args, **kwargs)
        note_latest_analysis(analysis.instance.series.study_id)
        return analysis


class FindingFactory(DjangoModelFactory[Finding]):
    """A suggested finding."""

    class Meta:
        model = Finding

    analysis = factory.SubFactory(AnalysisFactory)
    condition = factory.SubFactory(
        ConditionFactory,
        examination_type=factory.SelfAttribute("..analysis.instance.series.study.examination_type"),
    )
    probability = 0.9
    operating_point = 0.5

    @classmethod
    def _create(cls, model_class: type[Finding], *args: Any, **kwargs: Any) -> Finding:
        """Let the study rank by its findings, as the pipeline does."""
        finding: Finding = super()._create(model_class, *args, **kwargs)
        note_latest_analysis(finding.analysis.instance.series.study_id)
        return finding


class ExplanationFactory(DjangoModelFactory[Explanation]):
    """A map that was asked for and waits."""

    class Meta:
        model = Explanation

    finding = factory.SubFactory(FindingFactory)
    method = ExplanationMethod.OCCLUSION
    requested_by = factory.SelfAttribute("finding.analysis.instance.series.study.owner")


class SimilarInstanceFactory(DjangoModelFactory[SimilarInstance]):
    """A similar instance."""

    class Meta:
        model = SimilarInstance

    analysis = factory.SubFactory(AnalysisFactory)
    instance = factory.SubFactory(InstanceFactory)
    rank = factory.Sequence(lambda n: n + 1)
    distance = 0.1


class ReviewFactory(DjangoModelFactory[Review]):
    """A draft of the study's owner."""

    class Meta:
        model = Review

    study = factory.SubFactory(StudyFactory)
    reader = factory.SelfAttribute("study.owner")

    @classmethod
    def _create(cls, model_class: type[Review], *args: Any, **kwargs: Any) -> Review:
        """Let the study count as signed, as the services do."""
        review: Review = super()._create(model_class, *args, **kwargs)
        if review.state == ReviewState.SIGNED:
            note_reading(review.study_id)
        return review


class ReviewFindingFactory(DjangoModelFactory[ReviewFinding]):
    """A condition that the reader finds present."""

    class Meta:
        model = ReviewFinding

    review = factory.SubFactory(ReviewFactory)
    condition = factory.SubFactory(
        ConditionFactory,
        examination_type=factory.SelfAttribute("..review.study.examination_type"),
    )
    verdict = Verdict.PRESENT

    @classmethod
    def _create(cls, model_class: type[ReviewFinding], *args: Any, **kwargs: Any) -> ReviewFinding:
        """Let the study say how it was read, as the services do."""
        finding: ReviewFinding = super()._create(model_class, *args, **kwargs)
        note_reading(finding.review.study_id)
        return finding


class DatasetItemFactory(DjangoModelFactory[DatasetItem]):
    """An accepted image of a patient of its own, without a file behind it."""

    class Meta:
        model = DatasetItem

    examination_type = factory.SubFactory(ExaminationTypeFactory)
    source_id = factory.Sequence(lambda n: f"source-{n}")
    content_key = factory.Sequence(lambda n: f"instances/{n:064x}.png")
    group = factory.Sequence(lambda n: f"group-{n}")
    fold = Fold.TRAIN
    state = ItemState.ACCEPTED


class DatasetLabelFactory(DjangoModelFactory[DatasetLabel]):
    """A reader's label that counts."""

    class Meta:
        model = DatasetLabel

    item = factory.SubFactory(DatasetItemFactory)
    condition = "pneumonia"
    present = True
    labeled_by = factory.Sequence(lambda n: f"reader-{n}")
    origin_id = factory.Sequence(lambda n: f"review-{n}")


class DatasetVersionFactory(DjangoModelFactory[DatasetVersion]):
    """A version without a manifest behind it."""

    class Meta:
        model = DatasetVersion

    examination_type = factory.SubFactory(ExaminationTypeFactory)
    number = factory.Sequence(lambda n: n + 1)
    manifest_key = "datasets/none.jsonl"
    manifest_sha256 = factory.Sequence(lambda n: f"{n:064x}")
    item_count = 1


class TrainingRunFactory(DjangoModelFactory[TrainingRun]):
    """A pending quick update on a frozen version."""

    class Meta:
        model = TrainingRun

    examination_type = factory.SubFactory(ExaminationTypeFactory)
    dataset_version = factory.SubFactory(
        DatasetVersionFactory, examination_type=factory.SelfAttribute("..examination_type")
    )
    architecture = "tiny_cnn"


class GateReportFactory(DjangoModelFactory[GateReport]):
    """A gate that was passed; give the incumbent it was passed against."""

    class Meta:
        model = GateReport

    candidate = factory.SubFactory(ModelVersionFactory, state=ModelState.CANDIDATE)
    dataset_version = factory.SubFactory(
        DatasetVersionFactory, examination_type=factory.SelfAttribute("..candidate.examination_type")
    )
    change_plan = factory.LazyAttribute(lambda made: plan_in_force(made.candidate.examination_type))
    passed = True
    criteria = [{"name": "auroc", "passed": True, "measured": 0.0, "limit": -0.01, "reason": "No change."}]
    figures = {"power": [{"name": "sensitivity.pneumonia", "patients": 120, "may_lose": 2, "loss": 0.035}]}
