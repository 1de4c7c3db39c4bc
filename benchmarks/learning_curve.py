"""Simulated readers sign 100 images a round; what is learned, what the gate says, and what it refuses."""

from __future__ import annotations

import argparse
import shutil
import time
from typing import Any

import numpy as np
from installation import begin, listed, person, recall, remember, sign, take_in, train
from model_common import publish

FIRST = A_ROUND = 100
FLIPPED = 0.3
HELD_OUT, POOL = 600, 300
SEED = 20
ARCHITECTURE = "efficientnet_lite0"


class Loop:
    """One installation with its readers."""

    def __init__(self) -> None:
        self.folder = begin()
        from diagnosis.models import Condition, ConditionState
        from mlcore.models import ExaminationType

        self.kind = ExaminationType.objects.create(code="chest", name="Chest radiograph", trains_after=0)
        self.condition = Condition.objects.create(
            examination_type=self.kind, code="pneumonia", name="Pneumonia", state=ConditionState.APPROVED
        )
        self.reader, self.administrator = person("reader"), person("administrator")
        self.images: list[Any] = []
        self.held_out: list[Any] = []
        self.described: Any = None

    def upload(self, images: list[Any]) -> list[tuple[Any, bool]]:
        """Take images in; return studies with what their readers will say."""
        found = [(take_in(i, by=self.reader, examination_type=self.kind), i) for i in images]
        return [(study, image.label == "PNEUMONIA") for study, image in found if study is not None]

    def sign(self, studies: list[tuple[Any, bool]], *, flipped: frozenset[int] = frozenset()) -> None:
        """Sign studies; of `flipped` with the opposite of what is known of them."""
        for index, (study, present) in enumerate(studies):
            sign(study, by=self.reader, condition=self.condition, present=present != (index in flipped))

    def measure(self, version: Any) -> tuple[float, float]:
        """AUROC and calibration error on patients that nobody signs; all versions share the backbone."""
        from mlcore.engine.evaluation.metrics import auroc, ece
        from mlcore.engine.inference.calibration import Calibration
        from mlcore.engine.networks.exchange_head import read_head
        from mlcore.engine.training.chest import read_picture
        from mlcore.engine.training.features import describe
        from mlcore.learning import load
        from mlcore.material import network_predictor

        predictor, artifact = network_predictor(version), load(version)
        if self.described is None:
            pictures = [read_picture(i.path, size=predictor.preprocessing.stored_size) for i in self.held_out]
            self.described = np.stack(
                [describe(predictor.network, p, how=predictor.preprocessing)[0] for p in pictures]
            )
        logits = read_head(artifact.members["network.tflite"]).logits(self.described)[:, 0]
        scores = Calibration(**artifact.settings["calibration"]["pneumonia"]).probabilities(logits)
        labels = np.array([i.label == "PNEUMONIA" for i in self.held_out], float)
        return auroc(labels, scores), ece(labels, scores)


def verdict(version: Any) -> tuple[bool, str]:
    """What the gate said last of a version, and which criteria it did not meet."""
    report = version.gate_reports.order_by("-created_at").first()
    missed = [one["name"] for one in report.criteria if not one["passed"]]
    return report.passed, ", ".join(missed) or "all criteria met"


def answers(version: Any, images: list[Any]) -> list[list[float]]:
    """Probabilities through the registered file."""
    from mlcore.engine.artifacts import load_predictor
    from mlcore.engine.imaging.decode import decode_image
    from mlcore.serving import local_copy

    predictor = load_predictor(local_copy(version), expected_sha256=version.artifact_sha256)
    shown = predictor.predict_batch([decode_image(image.path.read_bytes()) for image in images])
    return [[finding.probability for finding in prediction.findings] for prediction in shown]


def main() -> None:
    """Run the rounds, then the poisoned and the honest ones, and publish both tables."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=10)
    asked.add_argument("--seeds", type=int, default=20)
    asked.add_argument("--honest-seeds", type=int, default=10)
    options = asked.parse_args()
    loop = Loop()
    try:
        _publish_rounds(loop, rounds=options.rounds)
        _publish_poison(loop, seeds=options.seeds, honest=options.honest_seeds)
    finally:
        shutil.rmtree(loop.folder, ignore_errors=True)


def _publish_rounds(loop: Loop, *, rounds: int) -> None:
    from mlcore.models import TrainingKind
    from mlcore.services.promotion import promote, roll_back

    images = listed("cxr_kermany/train/", seed=SEED)
    groups = {i.group for i in images[: FIRST + rounds * A_ROUND + POOL]}
    loop.images = images
    loop.held_out = [i for i in images[::-1] if i.group not in groups][:HELD_OUT]
    table = []
    version = None
    for number in range(rounds + 1):
        start = FIRST + (number - 1) * A_ROUND if number else 0
        studies = loop.upload(images[start : start + (A_ROUND if number else FIRST)])
        begun = time.monotonic()
        loop.sign(studies)
        signed = time.monotonic()
        if number == 0:
            run = train(
                loop.kind, by=loop.administrator, kind=TrainingKind.FULL, architecture=ARCHITECTURE, epochs=0
            )
        else:
            run = train(loop.kind, by=loop.administrator)
        took = time.monotonic() - signed
        passed, missed = verdict(run.candidate)
        area, error = loop.measure(run.candidate)
        if passed or version is None:
            version = promote(run.candidate, by=loop.administrator, reason="A round of the benchmark.")
        decision = "the first" if number == 0 else ("promoted" if passed else f"refused: {missed}")
        active = loop.measure(version)
        row = (
            number,
            run.dataset_version.item_count,
            run.kind,
            f"{area:.4f}",
            f"{error:.3f}",
            decision,
            f"{active[0]:.4f}",
            f"{signed - begun:.0f} s",
            f"{took:.1f} s",
        )
        print(*row, sep=" | ", flush=True)
        table.append(row)
    before = loop.kind.model_versions.filter(state="retired").order_by("-retired_at").first()
    same = "not tried, since nothing was promoted"
    if before is not None:
        shown = loop.held_out[:50]
        earlier = answers(before, shown)
        back = roll_back(loop.kind, by=loop.administrator, reason="A round of the benchmark.")
        same = "bit-identical" if answers(back, shown) == earlier else "DIFFERENT"
        promote(version, by=loop.administrator, reason="Back to the newest.")
    publish(
        "Learning curve",
        (
            "round",
            "images signed",
            "training",
            "AUROC",
            "ECE",
            "gate",
            "AUROC of the active model",
            "signing",
            "training and gate",
        ),
        table,
        note=(
            f"Paediatric chest radiographs, {FIRST} signed first and {A_ROUND} more a round through the "
            f"services, all drawn by seed {SEED}; AUROC and ECE on {len(loop.held_out)} images of patients "
            "that nobody signed. Round 0 is a head on an ImageNet backbone, all others are quick updates. "
            "The gate sees only the frozen test fold: of the first patients three in ten, and one in ten "
            "once it holds 300 images. What a refused round signed is learned from in the next. "
            f"After a roll-back the answers for 50 images are {same}."
        ),
    )


def _publish_poison(loop: Loop, *, seeds: int, honest: int) -> None:
    images = loop.images
    used = {i.group for i in loop.held_out}
    first = FIRST + 10 * A_ROUND
    pool = loop.upload([i for i in images[first : first + POOL] if i.group not in used])
    copy = remember(loop.folder)
    rows: list[tuple[str, ...]] = []
    for flipped, count in ((FLIPPED, seeds), (0.0, honest)):
        refused, by_labels, contradicted, took = 0, 0, [], []
        for seed in range(count):
            recall(loop.folder, copy)
            rng = np.random.default_rng(1000 + seed)
            chosen = [pool[i] for i in rng.permutation(len(pool))[:A_ROUND]]
            wrong = frozenset(rng.permutation(A_ROUND)[: round(flipped * A_ROUND)].tolist())
            loop.sign(chosen, flipped=wrong)
            begun = time.monotonic()
            run = train(loop.kind, by=loop.administrator, seed=seed)
            took.append(time.monotonic() - begun)
            report = run.candidate.gate_reports.get()
            labels = next(one for one in report.criteria if one["name"] == "labels")
            refused += not report.passed
            by_labels += not labels["passed"]
            contradicted.append(labels["measured"] or 0.0)
            print(flipped, seed, report.passed, verdict(run.candidate)[1], flush=True)
        if count:
            rows.append(
                (
                    f"{flipped:.0%}",
                    f"{refused} of {count}",
                    f"{by_labels} of {count}",
                    f"{min(contradicted):.0%} to {max(contradicted):.0%}",
                    f"{np.median(took):.1f} s",
                )
            )
            _publish_poison_table(rows)


def _publish_poison_table(rows: list[tuple[str, ...]]) -> None:
    publish(
        "A poisoned round",
        (
            "labels turned around",
            "refused by the gate",
            "because of the labels",
            "labels found contradicted",
            "training and gate",
        ),
        rows,
        note=(
            f"After the last round of the learning curve, {A_ROUND} more images are signed; a part of the "
            "labels, drawn by the seed, is turned around. Each seed starts from the same installation, and a "
            "refused candidate cannot become active. An honest round may be refused too, where the test fold "
            "is too small to show that the candidate is as good."
        ),
    )


if __name__ == "__main__":
    main()
