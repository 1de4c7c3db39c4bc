"""How the installation does, as gauges for Prometheus, read from the database when it is asked."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from diagnosis.selectors.health import Health, health
from mlcore.models import TrainingRun, TrainingState


class StateCollector(Collector):
    """Reads the health of the installation once a scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges."""
        found = health()
        yield _by_state("medimaging_analyses", "Analyses not yet final, and failed.", _analyses(found))
        yield _by_state("medimaging_trainings", "Trainings not yet final, and failed.", _trainings())
        for name, text, value in _single(found):
            yield GaugeMetricFamily(f"medimaging_{name}", text, value=value)


def _analyses(found: Health) -> dict[str, int]:
    return {"pending": found.pending, "running": found.running, "failed": found.failed}


def _trainings() -> dict[str, int]:
    states = (TrainingState.PENDING, TrainingState.RUNNING, TrainingState.FAILED)
    return {state.value: TrainingRun.objects.filter(state=state).count() for state in states}


def _single(found: Health) -> Iterator[tuple[str, str, float]]:
    yield (
        "analysis_longest_wait_seconds",
        "For how long the oldest pending analysis has waited.",
        (found.longest_wait.total_seconds()),
    )
    yield (
        "workers",
        "Worker processes that serve models and said a moment ago that they live.",
        len(found.workers),
    )
    yield "active_models", "Model versions that answer.", len(found.active_models)
    loaded = sum(model.processes > 0 for model in found.active_models)
    yield "active_models_loaded", "Of these, loaded by a living worker process.", loaded
    yield "users_waiting", "Users who wait for approval.", found.users_waiting
    yield "conditions_proposed", "Conditions that wait for a decision.", found.conditions_proposed
    yield "disk_free_bytes", "Room left where the files of this machine are.", found.disk_free_bytes
    yield "stored_bytes", "Bytes of all stored images.", found.stored_bytes


def _by_state(name: str, text: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=["state"])
    for state, count in counts.items():
        family.add_metric([state], count)
    return family
