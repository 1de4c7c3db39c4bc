"""Administration pages of examination types, model versions, embeddings and serving processes."""

from mlcore.admin import examination_type, facts, model_version

__all__ = ["examination_type", "facts", "model_version"]
