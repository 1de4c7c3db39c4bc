"""Wires between Celery and the serving of models."""

from typing import Any

from celery.signals import worker_process_init

from mlcore import serving


@worker_process_init.connect
def load_models(**_: Any) -> None:
    """Load the models in each worker process, after the fork: TensorFlow does not survive one."""
    serving.start()
