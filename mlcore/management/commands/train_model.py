"""Train the model that ships, from labelled images on disk."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from mlcore.engine.errors import EngineError
from mlcore.engine.training.progress import TrainingProgress


class Command(BaseCommand):
    """Translate the command line to one call of the engine."""

    help = "Train a network on labelled chest radiographs and write it as a model file."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add = parser.add_argument
        add("--data", type=Path, required=True, help="folder with manifest.csv and its images")
        add("--architecture", default="efficientnet_lite0", help="name of the network")
        add("--seed", type=int, default=7)
        add("--epochs", type=int, default=12)
        add("--stop-after", type=int, default=0, help="end early, the schedule unchanged")
        add("--members", type=int, default=1, help="networks that differ by seed; above 1 they teach one")
        add("--pupil-epochs", type=int, default=20, help="of the network that learns from the members")
        add("--planted", action="store_true", help="plant opacities into a part of the healthy lungs")
        add("--processes", type=int, default=0, help="that change pictures beside the learning")
        add("--output", type=Path, required=True, help="the .mmodel file to write")
        add("--checkpoint", type=Path, help="a file, or with members a folder; default: beside the output")

    def handle(self, *args: Any, **options: Any) -> None:
        from mlcore.engine.training.chest import train

        output: Path = options["output"]
        with tqdm(unit="step", file=self.stderr, dynamic_ncols=True) as bar:
            try:
                facts = train(
                    options["data"],
                    how=_how(options),
                    output=output,
                    created_at=timezone.now().isoformat(timespec="seconds"),
                    checkpoint=_checkpoint(options),
                    processes=options["processes"],
                    on_progress=lambda progress: _show(bar, progress),
                    say=self.stdout.write,
                )
            except EngineError as error:
                raise CommandError(str(error)) from error
        for name, value in sorted(facts.metrics.items()):
            self.stdout.write(f"{name:32} {value:.4f}")
        self.stdout.write(f"Wrote {output}.")


def _how(options: dict[str, Any]) -> Any:
    """The plan of one network, or of an ensemble."""
    from mlcore.engine.training.chest import chest_plan
    from mlcore.engine.training.ensemble import Ensemble

    plan = chest_plan(
        options["architecture"],
        epochs=options["epochs"],
        seed=options["seed"],
        stop_after=options["stop_after"],
        planted=options["planted"],
    )
    if options["members"] < 2:
        return plan
    return Ensemble(
        plan=plan,
        members=options["members"],
        pupil_epochs=options["pupil_epochs"],
        folder=_checkpoint(options),
        processes=options["processes"],
    )


def _checkpoint(options: dict[str, Any]) -> Path:
    beside: Path = options["output"].with_suffix(".checkpoint")
    return options["checkpoint"] or beside


def _show(bar: Any, progress: TrainingProgress) -> None:
    bar.total = progress.steps * progress.epochs
    bar.n = progress.steps * max(0, progress.epoch - 1) + progress.step
    bar.set_postfix(epoch=progress.epoch, loss=progress.loss, auroc=progress.auroc, refresh=False)
    bar.refresh()
