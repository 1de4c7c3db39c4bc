"""What was measured of the maps of a model version."""

from functools import lru_cache

from django.conf import settings

from mlcore.engine.explanation.facts import SUFFIX, ExplanationFigures, read_figures
from mlcore.models import ModelVersion


def explanation_figures(version: ModelVersion) -> dict[str, ExplanationFigures]:
    """Return the figures by method; empty where nothing was measured of this very model."""
    return _figures(version.artifact_sha256)


@lru_cache(maxsize=64)
def _figures(sha256: str) -> dict[str, ExplanationFigures]:
    for path in sorted(settings.SHIPPED_MODELS_DIR.glob(f"*{SUFFIX}")):
        model = path.with_name(path.name.removesuffix(SUFFIX)).with_suffix(".mmodel")
        if found := read_figures(model, sha256=sha256):
            return found
    return {}
