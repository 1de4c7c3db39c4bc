"""A toy model that all tests of the engine share."""

from pathlib import Path

import pytest

from mlcore.engine.training.trainer import TrainedNetwork
from mlcore.engine.types import ModelFacts
from tests.mlcore.engine.toy import write_toy_model


@pytest.fixture(scope="session")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelFacts, TrainedNetwork]:
    """Return the file of a trained toy model, its facts, and the network it was made from."""
    return write_toy_model(tmp_path_factory.mktemp("toy"))
