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
        parser.add_argument(
            "--data", type=Path, required=True, help="folder with manifest.csv and its images"
        )
        parser.add_argument("--architecture", default="efficientnet_lite0", help="name of the network")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--epochs", type=int, default=12)
        parser.add_argument("--stop-after", type=int, default=0, help="end early, the schedule unchanged")
        parser.add_argument("--output", type=Path, required=True, help="the .mmodel file to write")
        parser.add_argument("--checkpoint", type=Path, help="default: beside the output")

    def handle(self, *args: Any, **options: Any) -> None:
        from mlcore.engine.training.chest import train

        output: Path = options["output"]
        with tqdm(unit="step", file=self.stderr, dynamic_ncols=True) as bar:
            try:
                facts = train(
                    options["data"],
                    architecture=options["architecture"],
                    epochs=options["epochs"],
                    seed=options["seed"],
                    stop_after=options["stop_after"],
                    output=output,
                    created_at=timezone.now().isoformat(timespec="seconds"),
                    checkpoint=options["checkpoint"] or output.with_suffix(".checkpoint"),
                    on_progress=lambda progress: _show(bar, progress),
                    say=self.stdout.write,
                )
            except EngineError as error:
                raise CommandError(str(error)) from error
        for name, value in sorted(facts.metrics.items()):
            self.stdout.write(f"{name:32} {value:.4f}")
        self.stdout.write(f"Wrote {output}.")


def _show(bar: Any, progress: TrainingProgress) -> None:
    bar.total = progress.steps * progress.epochs
    bar.n = progress.steps * max(0, progress.epoch - 1) + progress.step
    bar.set_postfix(epoch=progress.epoch, loss=progress.loss, auroc=progress.auroc, refresh=False)
    bar.refresh()
