"""COVID-19 joins the shipped model by a quick update, and pneumonia is not forgotten.

The images differ in age, hospital and encoding too: telling them apart shows that a
condition can be added, not that COVID-19 is recognized.
"""

from __future__ import annotations

import csv
import time

import numpy as np
import pytest
from django.conf import settings

from mlcore.engine.artifacts import file_sha256, load_artifact, load_predictor
from mlcore.engine.evaluation.answers import answers_of
from mlcore.engine.evaluation.gate import gate
from mlcore.engine.evaluation.label_check import LabelCheck
from mlcore.engine.evaluation.metrics import auroc
from mlcore.engine.inference.loader import predictor_from
from mlcore.engine.training.chest import read_picture
from mlcore.engine.training.data import Fold, fold_of
from mlcore.engine.training.features import LabelledFeatures, complete_labels, describe
from mlcore.engine.training.quick import QuickPlan, quick_update

pytestmark = [pytest.mark.data, pytest.mark.slow]
SHIPPED = settings.SHIPPED_MODELS_DIR / "paediatric-chest-radiograph.mmodel"
CHILDREN, ADULTS = 400, 150


@pytest.fixture(scope="module")
def incumbent():
    return load_artifact(SHIPPED, expected_sha256=file_sha256(SHIPPED))


@pytest.fixture(scope="module")
def signed(data_dir, incumbent):
    """Signed images: children with a label of pneumonia alone, adults with one of COVID-19 alone."""
    with (data_dir / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chosen = []
    for folder, count in (("cxr_kermany/train/", CHILDREN), ("cxr_covid/", ADULTS)):
        listed = [row for row in rows if row["path"].startswith(folder)]
        order = np.random.default_rng(4).permutation(len(listed))[:count]
        chosen += [listed[i] for i in order]
    predictor = predictor_from(incumbent)
    pictures = [read_picture(data_dir / row["path"], size=224) for row in chosen]
    described = [describe(predictor.network, p, how=predictor.preprocessing) for p in pictures]
    labels = [
        [np.nan, 1.0] if row["dataset"] == "cxr_covid" else [float(row["label"] == "PNEUMONIA"), np.nan]
        for row in chosen
    ]
    groups = tuple(f"{row['dataset']}-{row['group'] or row['path']}" for row in chosen)
    data = LabelledFeatures(
        embeddings=np.stack([d[0] for d in described]),
        layers=np.stack([d[1] for d in described]),
        labels=complete_labels(np.array(labels, np.float32))[0],
        groups=groups,
        keys=tuple(row["sha256"] for row in chosen),
        folds=tuple(fold_of(group, key=b"covid", validation=0.2, test=0.3) for group in groups),
    )
    return data, pictures


def test_covid_gets_an_output_and_the_auroc_of_pneumonia_falls_by_at_most_a_hundredth(
    incumbent, signed, tmp_path
):
    data, pictures = signed
    path = tmp_path / "with-covid.mmodel"
    begun = time.monotonic()
    quick_update(
        incumbent,
        data,
        plan=QuickPlan(("pneumonia", "covid-19"), 1, "2026-02-01T00:00:00+00:00", "d" * 64),
        learned_before=np.zeros(len(data), bool),
        pictures=lambda rows: [pictures[i] for i in rows],
        output=path,
    )
    assert time.monotonic() - begun < 60
    test = np.flatnonzero(data.of(Fold.TEST))
    shown, labels = [pictures[i] for i in test], data.labels[test]
    after = answers_of(load_predictor(path, expected_sha256=file_sha256(path)), shown)
    before = answers_of(predictor_from(incumbent), shown)

    known = np.isfinite(labels[:, 0])
    areas = [auroc(labels[known, 0], answers.column("pneumonia")[known]) for answers in (before, after)]
    assert areas[1] >= areas[0] - 0.01
    assert auroc(labels[:, 1], after.column("covid-19")) > 0.85
    covid = labels[:, 1] == 1
    assert after.withheld[covid].mean() < before.withheld[covid].mean()

    result = gate(
        after,
        before,
        labels=labels,
        classes=("pneumonia", "covid-19"),
        groups=[data.groups[i] for i in test],
        label_check=LabelCheck(),
    )
    assert result.passed, [one for one in result.criteria if not one.passed]
