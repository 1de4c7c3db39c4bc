"""Administration pages of examination types, model versions, datasets, training and serving."""

from mlcore.admin import change_plan, dataset, examination_type, facts, model_version, training

__all__ = ["change_plan", "dataset", "examination_type", "facts", "model_version", "training"]
