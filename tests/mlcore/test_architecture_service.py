"""An architecture is chosen for a training by name; what comes out is registered, served and explained.

Every architecture keeps the contract of the engine (`engine/test_every_architecture.py`);
here are those that differ in what the services have to handle: a plain network, one with
capsules and losses of its own, and one that is no graph at all.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from diagnosis import explaining
from diagnosis import pipeline as reading
from diagnosis.models import Analysis, AnalysisState, ExplanationState, UploadSource
from diagnosis.selectors.explanations import methods_of
from diagnosis.services.intake import receive
from medimaging.common.storage import read_content
from mlcore import pipeline
from mlcore.engine.networks.registry import find_network, register_network
from mlcore.models import DatasetItem, ModelVersion, TrainingKind, TrainingState
from mlcore.services.registry import activate_version
from mlcore.services.training import request_training
from tests.factories import ConditionFactory, ExplanationFactory
from tests.mlcore.signed_images import sign_images

ARCHITECTURES = ("tiny_cnn", "capsule", "svm_orb")
SMALL = 48


@pytest.fixture(params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return an architecture's name, while its input is small enough for a test."""
    whole = find_network(request.param)
    register_network(replace(whole, input_size=max(SMALL, whole.least_input_size)))
    yield request.param
    register_network(whole)


def answered(toy, *, by) -> Analysis:
    """Return the first analysis of a training image that is not withheld."""
    for item in DatasetItem.objects.filter(fold="train").order_by("pk"):
        content = read_content(item.content_key)
        upload = receive(content, by=by, source=UploadSource.REST, examination_type=toy)
        analysis = upload.instance.analyses.get()
        reading.run_analysis(str(analysis.pk))
        analysis.refresh_from_db()
        assert analysis.state in {AnalysisState.SUCCEEDED, AnalysisState.WITHHELD}, analysis.failure_message
        if analysis.state == AnalysisState.SUCCEEDED:
            return analysis
    pytest.fail("every image was withheld")


def test_an_architecture_is_trained_registered_served_and_explained(
    architecture, toy, steward, administrator, reader
):
    sign_images(toy, 64, seed=1)
    ConditionFactory.create(examination_type=toy, code="disk")
    run = request_training(toy, by=steward, kind=TrainingKind.FULL, architecture=architecture, epochs=1)
    pipeline.run_training(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.failure_message) == (TrainingState.SUCCEEDED, "")
    version = ModelVersion.objects.get(pk=run.candidate_id)
    assert version.architecture == architecture

    activate_version(version, by=administrator, reason="The first.")
    finding = answered(toy, by=reader).findings.get()
    assert finding.analysis.model_version == version
    assert read_content(finding.saliency_key)

    methods = methods_of(version)
    assert "occlusion" in methods
    for method in methods:
        explanation = ExplanationFactory.create(finding=finding, method=method)
        explaining.run_explanation(str(explanation.pk))
        explanation.refresh_from_db()
        assert explanation.state == ExplanationState.SUCCEEDED, explanation.failure_message
