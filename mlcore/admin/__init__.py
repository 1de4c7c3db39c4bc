"""Administration pages of examination types, model versions, datasets, training and serving."""

from mlcore.admin import dataset, examination_type, facts, model_version, training

__all__ = ["dataset", "examination_type", "facts", "model_version", "training"]
