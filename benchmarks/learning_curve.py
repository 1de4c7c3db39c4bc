"""Simulated readers sign 100 images a round; what is learned, what the gate says, and what it refuses."""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
from installation import begin, listed, person, recall, remember, sign, take_in, train
from model_common import publish

FIRST = A_ROUND = 100
FLIPPED = 0.3
HELD_OUT, POOL, SHOWN = 600, 300, 50
SEED = 20
ARCHITECTURE = "efficientnet_lite0"


class Loop:
    """One installation with its readers."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = begin(folder=folder)
        from diagnosis.models import Condition, ConditionState
        from mlcore.models import ExaminationType

        self.done = self._go_on()
        self.kind, _ = ExaminationType.objects.get_or_create(
            code="chest", defaults={"name": "Chest radiograph", "trains_after": 0}
        )
        self.condition, _ = Condition.objects.get_or_create(
            examination_type=self.kind,
            code="pneumonia",
            defaults={"name": "Pneumonia", "state": ConditionState.APPROVED},
        )
        self.reader, self.administrator = person("reader"), person("administrator")
        self.images: list[Any] = []
        self.held_out: list[Any] = []

    def _go_on(self) -> dict[str, Any]:
        """Take up an earlier run where its last round or seed ended; the database goes back to then."""
        notes = self.folder / "done.json"
        if not notes.exists():
            return {"rounds": [], "answers": {}, "same": "", "pool": [], "seeds": []}
        done: dict[str, Any] = json.loads(notes.read_text())
        recall(self.folder, self.folder / f"{done['copy']}.copy")
        return done

    def keep(self, *, database: bool = True) -> Path:
        """Note what is done, and copy the database where it has to be gone back to."""
        if database:
            self.done["copy"] = f"after-{len(self.done['rounds'])}-{bool(self.done['pool']):d}"
            remember(self.folder, name=self.done["copy"])
        part = self.folder / "done.part"
        part.write_text(json.dumps(self.done))
        part.replace(self.folder / "done.json")
        return self.folder / f"{self.done['copy']}.copy"

    def described(self, predictor: Any) -> Any:
        """What the backbone says of the images that nobody signs, worked out once."""
        from mlcore.engine.training.chest import read_picture
        from mlcore.engine.training.features import describe

        how, path = predictor.preprocessing, self.folder / "held-out.npy"
        if not path.exists():
            pictures = [read_picture(i.path, size=how.stored_size) for i in self.held_out]
            np.save(path, np.stack([describe(predictor.network, p, how=how)[0] for p in pictures]))
        return np.load(path)

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
        from mlcore.learning import load
        from mlcore.material import network_predictor

        artifact = load(version)
        described = self.described(network_predictor(version))
        logits = read_head(artifact.members["network.tflite"]).logits(described)[:, 0]
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
    asked.add_argument("--folder", type=Path, help="keep the installation there, and go on from it")
    options = asked.parse_args()
    loop = Loop(options.folder)
    loop.images = listed("cxr_kermany/train/", seed=SEED)
    groups = {i.group for i in loop.images[: FIRST + options.rounds * A_ROUND + POOL]}
    loop.held_out = [i for i in loop.images[::-1] if i.group not in groups][:HELD_OUT]
    try:
        _publish_rounds(loop, rounds=options.rounds)
        _publish_poison(loop, rounds=options.rounds, seeds=options.seeds, honest=options.honest_seeds)
    finally:
        if options.folder is None:
            shutil.rmtree(loop.folder, ignore_errors=True)


def _publish_rounds(loop: Loop, *, rounds: int) -> None:
    from mlcore.models import TrainingKind
    from mlcore.selectors import active_version
    from mlcore.services.promotion import promote, roll_back
    from mlcore.services.registry import activate_version

    images, table, shown = loop.images, loop.done["rounds"], loop.held_out[:SHOWN]
    for number in range(len(table), rounds + 1):
        version = active_version(loop.kind)
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
        if version is None:
            version = activate_version(run.candidate, by=None, reason="The model of an installation's start.")
        elif passed:
            version = promote(run.candidate, by=loop.administrator, reason="A round of the benchmark.")
        if version == run.candidate:
            loop.done["answers"][str(version.pk)] = answers(version, shown)
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
        loop.keep()
    version = active_version(loop.kind)
    if len(loop.done["answers"]) > 1 and not loop.done["same"]:
        back = roll_back(loop.kind, by=loop.administrator, reason="A round of the benchmark.")
        same = answers(back, shown) == loop.done["answers"][str(back.pk)]
        loop.done["same"] = "bit-identical" if same else "DIFFERENT"
        promote(version, by=loop.administrator, reason="Back to the newest.")
        loop.keep()
    signed_images = images[: FIRST + rounds * A_ROUND]
    ill = [np.mean([i.label == "PNEUMONIA" for i in part]) for part in (loop.held_out, signed_images)]
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
            f"that nobody signed. {ill[0]:.0%} of these have pneumonia, {ill[1]:.0%} of the signed ones, for "
            "which the probabilities hold: the ECE counts that difference too. Round 0 is a head on an "
            "ImageNet backbone, all others are quick updates. "
            "Round 0 answers as what an installation begins with: it is measured on too little to pass the "
            "gate. "
            "The gate sees only the frozen test fold: of the first patients three in ten, and one in ten "
            "once it holds 300 images. What a refused round signed is learned from in the next. "
            f"After a roll-back the answers for {SHOWN} images are {loop.done['same'] or 'not tried'} to "
            "those that the version gave when it was promoted. Times are those of a busy machine."
        ),
    )


def _publish_poison(loop: Loop, *, rounds: int, seeds: int, honest: int) -> None:
    _fill_pool(loop, first=FIRST + rounds * A_ROUND)
    found = loop.done["seeds"]
    for flipped, count in ((FLIPPED, seeds), (0.0, honest)):
        for seed in range(sum(one["flipped"] == flipped for one in found), count):
            found.append({"flipped": flipped, "seed": seed, **_one_seed(loop, flipped=flipped, seed=seed)})
            print(*found[-1].values(), flush=True)
            loop.keep(database=False)
    _publish_poison_table(
        [
            (
                f"{flipped:.0%}",
                f"{sum(not one['passed'] for one in own)} of {len(own)}",
                f"{sum('labels' in one['missed'] for one in own)} of {len(own)}",
                f"{min(contradicted):.0%} to {max(contradicted):.0%}",
                f"{np.median([one['took'] for one in own]):.1f} s",
            )
            for flipped in (FLIPPED, 0.0)
            if (own := [one for one in found if one["flipped"] == flipped])
            and (contradicted := [one["contradicted"] for one in own])
        ]
    )


def _fill_pool(loop: Loop, *, first: int) -> None:
    """Take in what the seeds draw from, once."""
    if loop.done["pool"]:
        return
    used = {i.group for i in loop.held_out}
    pool = loop.upload([i for i in loop.images[first : first + POOL] if i.group not in used])
    loop.done["pool"] = [[str(study.pk), present] for study, present in pool]
    loop.keep()


def _one_seed(loop: Loop, *, flipped: float, seed: int) -> dict[str, Any]:
    """Go back to the installation after the curve, sign a round with flipped labels, train, ask the gate."""
    from diagnosis.models import Study
    from mlcore.models import ModelState
    from mlcore.services.promotion import GateNotPassed, promote

    recall(loop.folder, loop.folder / f"{loop.done['copy']}.copy")
    rng, pool = np.random.default_rng(1000 + seed), loop.done["pool"]
    drawn = [pool[i] for i in rng.permutation(len(pool))[:A_ROUND]]
    wrong = frozenset(rng.permutation(A_ROUND)[: round(flipped * A_ROUND)].tolist())
    loop.sign([(Study.objects.get(pk=key), present) for key, present in drawn], flipped=wrong)
    begun = time.monotonic()
    candidate = train(loop.kind, by=loop.administrator, seed=seed).candidate
    took = time.monotonic() - begun
    passed, missed = verdict(candidate)
    try:
        promote(candidate, by=loop.administrator, reason="A seed of the benchmark.")
    except GateNotPassed:
        candidate.refresh_from_db()
    if passed != (candidate.state == ModelState.ACTIVE):
        raise SystemExit("What the gate said and what was promoted differ.")
    criteria = candidate.gate_reports.get().criteria
    labels = next(one for one in criteria if one["name"] == "labels")
    return {"passed": passed, "missed": missed, "contradicted": labels["measured"] or 0.0, "took": took}


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
