"""The web process stays light, and the engine knows no Django."""

import subprocess
import sys

from tests.conftest import worker_environment

HEAVY = ("tensorflow", "keras", "sklearn", "ai_edge_litert", "matplotlib.pyplot")


def _loaded_after(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", program], env=worker_environment(), capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_a_web_process_never_imports_tensorflow():
    loaded = _loaded_after(
        "from medimaging.wsgi import application\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        "import diagnosis.pipeline, diagnosis.tasks, mlcore.tasks"
    )
    assert "diagnosis.services.intake" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_engine_imports_without_django():
    loaded = _loaded_after(
        "import mlcore.engine.artifacts, mlcore.engine.imaging.decode, mlcore.engine.imaging.encode\n"
        "import mlcore.engine.inference.retrieval, mlcore.engine.evaluation.metrics"
    )
    assert not {name for name in loaded if name.partition(".")[0] in {"django", "celery", "rest_framework"}}
