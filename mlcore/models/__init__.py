"""Examination types, the registry of model versions, embeddings, datasets and training runs."""

from mlcore.models.change_plan import (
    ChangeKind,
    ChangePlan,
    ImpactAssessment,
    LimitName,
    PlannedChange,
    ProtocolLimit,
)
from mlcore.models.dataset import (
    BARRED,
    CONSENT_WITHDRAWN,
    ERASED,
    QUARANTINED,
    DatasetItem,
    DatasetLabel,
    DatasetVersion,
    ItemState,
    Supersession,
)
from mlcore.models.embedding import Embedding
from mlcore.models.examination_type import ExaminationType
from mlcore.models.forgotten import ForgottenImage
from mlcore.models.model_version import ModelState, ModelVersion
from mlcore.models.serving_process import ServingProcess
from mlcore.models.training import GateReport, TrainingKind, TrainingRun, TrainingState, TrainingTrigger

__all__ = [
    "BARRED",
    "CONSENT_WITHDRAWN",
    "ERASED",
    "QUARANTINED",
    "ChangeKind",
    "ChangePlan",
    "DatasetItem",
    "DatasetLabel",
    "DatasetVersion",
    "Embedding",
    "ExaminationType",
    "ForgottenImage",
    "GateReport",
    "ImpactAssessment",
    "ItemState",
    "LimitName",
    "ModelState",
    "ModelVersion",
    "PlannedChange",
    "ProtocolLimit",
    "ServingProcess",
    "Supersession",
    "TrainingKind",
    "TrainingRun",
    "TrainingState",
    "TrainingTrigger",
]
