"""Holds a candidate against the incumbent on the frozen test fold of a dataset version."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.evaluation.answers import Answers, answer, gather
from mlcore.engine.evaluation.gate import GateResult, gate
from mlcore.engine.evaluation.label_check import LabelCheck, check_labels
from mlcore.engine.inference.network_predictor import NetworkPredictor
from mlcore.engine.training.data import Fold
from mlcore.engine.types import FloatArray
from mlcore.material import (
    FileCache,
    GoOn,
    Pictures,
    Row,
    label_table,
    labelled_features,
    network_predictor,
    rows_of,
    training_folder,
)
from mlcore.models import DatasetVersion, GateReport, ModelVersion
from mlcore.plans import limits_of, plan_in_force
from mlcore.selectors import active_version
from mlcore.selectors.training import dataset_version_of

LEAST_BATCH = 20
"""New labels of one dataset version are judged together from so many on; fewer join those after them."""
KEYS_KEPT = 100


def judge(candidate: ModelVersion, *, dataset_version: DatasetVersion, seed: int, go_on: GoOn) -> GateReport:
    """Measure candidate and incumbent and return the report, not yet stored.

    Both answer through their own registered artifacts. For a model that learned
    elsewhere the test fold is what this installation's readers signed; the gate says
    nothing of the data that model was first made from.
    """
    incumbent = active_version(candidate.examination_type)
    if incumbent == candidate:
        incumbent = None
    pictures = Pictures(network_predictor(candidate).preprocessing)
    rows = pictures.readable(rows_of(dataset_version), go_on=go_on)
    places = [index for index, row in enumerate(rows) if row.fold == Fold.TEST]
    test, classes = [rows[index] for index in places], tuple(candidate.classes)
    before = dataset_version_of(incumbent) if incumbent else None
    check = _check_labels(
        incumbent or candidate,
        rows,
        classes=classes,
        batches=batches_of(rows, version=dataset_version, since=before),
        seed=seed,
        go_on=go_on,
    )
    plan = plan_in_force(candidate.examination_type)
    result = gate(
        _answers(candidate, test, go_on=go_on),
        _answers(incumbent, test, go_on=go_on) if incumbent else None,
        labels=label_table(rows, classes)[places],
        classes=classes,
        groups=[row.group for row in test],
        label_check=check,
        limits=limits_of(plan),
        seed=seed,
    )
    return GateReport(
        candidate=candidate,
        incumbent=incumbent,
        dataset_version=dataset_version,
        change_plan=plan,
        passed=result.passed,
        criteria=[asdict(criterion) for criterion in result.criteria],
        figures=_figures(result, check),
    )


def _figures(result: GateResult, check: LabelCheck) -> dict[str, Any]:
    doubtful = {code: list(keys[:KEYS_KEPT]) for code, keys in check.contradicted_keys.items() if keys}
    return {
        "by_condition": dict(result.figures),
        "contradicted": doubtful,
        "power": [asdict(one) for one in result.power],
    }


def _answers(version: ModelVersion, rows: list[Row], *, go_on: GoOn) -> Answers:
    """What a version answers; kept by its artifact, since the same file gives the same answers."""
    predictor = network_predictor(version)
    pictures = Pictures(predictor.preprocessing)
    cache = FileCache(training_folder() / "answers" / version.artifact_sha256)

    def each() -> Iterator[FloatArray]:
        for row in rows:
            go_on()
            yield cache.get(row.content_key, partial(_answer, predictor, pictures, row))

    return gather(predictor, each())


def _answer(predictor: NetworkPredictor, pictures: Pictures, row: Row) -> FloatArray:
    return answer(predictor, pictures.picture(row))


def _check_labels(
    version: ModelVersion,
    rows: list[Row],
    *,
    classes: tuple[str, ...],
    batches: NDArray[np.int64],
    seed: int,
    go_on: GoOn,
) -> LabelCheck:
    """Check the labels that are new, on the features of `version`."""
    predictor = network_predictor(version)
    pictures = Pictures(predictor.preprocessing)
    data = labelled_features(rows, predictor=predictor, classes=classes, pictures=pictures, go_on=go_on)
    stated = {code: version.metrics.get(f"{code}_accuracy") for code in classes}
    return check_labels(
        data.embeddings,
        data.labels,
        classes=classes,
        groups=data.groups,
        keys=data.keys,
        batches=batches,
        expected={code: 1.0 - value for code, value in stated.items() if value is not None},
        seed=seed,
    )


def batches_of(
    rows: Sequence[Row], *, version: DatasetVersion, since: DatasetVersion | None
) -> NDArray[np.int64]:
    """(n,): 0 for what the incumbent's dataset version says too, else which later version first said it.

    A label that was changed counts as new. Versions that brought few labels are
    joined with those after them.
    """
    later = DatasetVersion.objects.filter(
        examination_type=version.examination_type_id,
        number__gt=since.number if since else 0,
        number__lte=version.number,
    ).order_by("number")
    first: dict[tuple[str, str], int] = {}
    if since is not None:
        first = {_said(row): 0 for row in rows_of(since)}
    for known in later:
        for row in rows_of(known):
            first.setdefault(_said(row), known.number)
    found = np.array([first.get(_said(row), version.number) for row in rows], np.int64)
    return _joined(found)


def _said(row: Row) -> tuple[str, str]:
    return row.content_key, json.dumps(row.labels, sort_keys=True)


def _joined(found: NDArray[np.int64]) -> NDArray[np.int64]:
    joined, waiting = found.copy(), np.zeros(len(found), bool)
    numbers = sorted(set(found.tolist()) - {0})
    for number in numbers:
        waiting |= found == number
        joined[waiting] = number
        if waiting.sum() >= LEAST_BATCH:
            waiting[:] = False
    return joined
