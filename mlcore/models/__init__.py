"""Examination types, the registry of model versions, and embeddings."""

from mlcore.models.embedding import Embedding
from mlcore.models.examination_type import ExaminationType
from mlcore.models.model_version import ModelState, ModelVersion
from mlcore.models.serving_process import ServingProcess

__all__ = ["Embedding", "ExaminationType", "ModelState", "ModelVersion", "ServingProcess"]
