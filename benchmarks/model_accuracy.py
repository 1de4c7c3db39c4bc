"""Accuracy and calibration of the shipped model on its test fold, as stored and shifted; the border probe."""

from __future__ import annotations

import numpy as np
from model_common import folds, predictor, publish, shipped
from sklearn.linear_model import LogisticRegression

from mlcore.engine.evaluation.metrics import accuracy, auroc, bootstrap, ece, sensitivity, specificity
from mlcore.engine.evaluation.shifts import SHIFTS, shifted
from mlcore.engine.imaging.preprocess import network_input
from mlcore.engine.training.data import LabelledPictures

RINGS = (3, 8)
"""Widths of the border, in pixels of what the network sees, that the probe looks at."""


def main() -> None:
    """Measure and publish."""
    test, model = folds().test, predictor()
    labels, groups = test.labels[:, 0], np.array(test.groups)
    threshold = model.facts.operating_points["pneumonia"].threshold
    rows = []
    for name in SHIFTS:
        inputs = [
            network_input(p / np.float32(255), how=model.preprocessing)
            for p in shifted(test.pictures, name=name)
        ]
        logits = model.network.run_each(np.stack(inputs))["logits"][:, 0]
        scores = model.calibrations["pneumonia"].probabilities(logits)
        suggested = scores >= threshold
        rows.append(
            (
                name,
                bootstrap(labels, scores, measure=auroc, groups=groups),
                accuracy(labels, suggested),
                sensitivity(labels, suggested),
                specificity(labels, suggested),
                f"{ece(labels, scores):.4f}",
            )
        )
    note = f"{len(test)} images of {len(set(test.groups))} patients the model never saw; 95 % intervals."
    header = ("images", "AUROC", "accuracy", "sensitivity", "specificity", "ECE")
    publish("Accuracy of the shipped model", header, rows, note=note)
    publish(
        "What the border alone tells",
        ("seen", "AUROC on the test fold"),
        [(f"outer {ring} pixels of the network's input", f"{_border(ring):.3f}") for ring in RINGS]
        + [("outer 3 pixels of the stored image", f"{_border(3, stored=True):.3f}")],
        note="Logistic regression on standardized pixels of the border; 0.5 is chance.",
    )


def _border(width: int, *, stored: bool = False) -> float:
    parts = [_ring(part, width, stored=stored) for part in (folds().train, folds().test)]
    mean, scale = parts[0].mean(axis=0), parts[0].std(axis=0)
    used = scale > 1e-7
    if not used.any():
        return 0.5
    first, second = ((p[:, used] - mean[used]) / scale[used] for p in parts)
    probe = LogisticRegression(C=1e-3, max_iter=300).fit(first, folds().train.labels[:, 0])
    return auroc(folds().test.labels[:, 0], probe.decision_function(second))


def _ring(data: LabelledPictures, width: int, *, stored: bool) -> np.ndarray:
    how = predictor().preprocessing
    seen = [
        p / np.float32(255) if stored else network_input(p / np.float32(255), how=how)[..., 0]
        for p in data.pictures
    ]
    border = np.ones(seen[0].shape, bool)
    border[width:-width, width:-width] = False
    return np.stack([picture[border] for picture in seen])


if __name__ == "__main__":
    print(shipped().facts.name)
    main()
