"""What the shell command understands. Results go to the standard output, one JSON object a line."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medimaging.client.client import Client
from medimaging.client.errors import ClientError, Problem
from medimaging.client.types import Analysis

SITE = "MEDIMAGING_SITE"
TOKEN = "MEDIMAGING_TOKEN"  # noqa: S105
VERDICTS = ("present", "absent", "uncertain")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0 done, 1 refused, 2 not understood."""
    asked = _parser().parse_args(arguments)
    token = os.environ.get(TOKEN, "")
    if not token:
        _complain(f"Put the token into the environment variable {TOKEN}.")
        return 2
    try:
        with Client(asked.site, token=token) as client:
            return int(asked.run(client, asked))
    except (ClientError, OSError) as error:
        _complain(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def _upload(client: Client, asked: argparse.Namespace) -> int:
    """Hand in each file; one that is refused does not stop the others."""
    failed = 0
    for path in asked.files:
        try:
            upload = client.upload(
                path, examination_type=asked.examination_type, patient_identifier=asked.patient_identifier
            )
            said: dict[str, Any] = {
                "file": str(path),
                "duplicate": upload.duplicate,
                "instance": upload.instance_id,
                "study": upload.study_id,
                "analysis": upload.analysis_id,
            }
            if asked.wait and upload.analysis_id:
                said |= _shown(client.wait(upload.analysis_id, seconds=asked.wait))
            _say(said)
        except (Problem, OSError) as error:
            failed += 1
            _complain(f"{path}: {error}")
    return 1 if failed else 0


def _wait(client: Client, asked: argparse.Namespace) -> int:
    analysis = client.wait(asked.analysis, seconds=asked.seconds)
    _say(_shown(analysis))
    return 1 if analysis.state == "failed" else 0


def _results(client: Client, asked: argparse.Namespace) -> int:
    for analysis in client.results(asked.study):
        _say(_shown(analysis))
    return 0


def _sign(client: Client, asked: argparse.Namespace) -> int:
    draft = client.begin_review(
        asked.study, dict(asked.verdict), comment=asked.comment, training_consent=asked.consent
    )
    signed = client.sign(draft)
    verdicts = dict(signed.verdicts)
    _say({"review": signed.id, "study": signed.study, "state": signed.state, "verdicts": verdicts})
    return 0


def _train(client: Client, asked: argparse.Namespace) -> int:
    run = client.train(asked.examination_type, kind=asked.kind, epochs=asked.epochs)
    if asked.wait:
        run = client.wait_for_training(run.id, seconds=asked.wait)
    _say({"training_run": run.id, "state": run.state, "candidate": run.candidate, "why": run.failure_message})
    return 1 if run.state == "failed" else 0


def _shown(analysis: Analysis) -> dict[str, Any]:
    findings = [
        {
            "condition": found.condition,
            "probability": found.probability,
            "operating_point": found.operating_point,
            "suggested": found.suggested,
        }
        for found in analysis.findings
    ]
    why = analysis.withheld_message or analysis.failure_message
    return {
        "analysis": analysis.id,
        "study": analysis.study,
        "state": analysis.state,
        "findings": findings,
        **({"why": why} if why else {}),
        **({"answers_hidden": True} if analysis.answers_hidden else {}),
        "notice": analysis.notice,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m medimaging.client",
        description="Hand images in, get results, sign and train over REST.",
        epilog=f"The token is read from {TOKEN}, never from the command line, which others can see.",
    )
    parser.add_argument(
        "--site",
        default=os.environ.get(SITE, "http://127.0.0.1:8000"),
        help=f"Address of the site; or {SITE} in the environment.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    upload = commands.add_parser("upload", help="Hand in files.")
    upload.add_argument("files", nargs="+", type=Path, metavar="FILE")
    upload.add_argument("--examination-type", default="", metavar="CODE")
    upload.add_argument("--patient-identifier", default="", help="Becomes a pseudonym; is not stored.")
    upload.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="Wait for the results.")
    upload.set_defaults(run=_upload)

    wait = commands.add_parser("wait", help="Wait for an analysis.")
    wait.add_argument("analysis")
    wait.add_argument("--seconds", type=float, default=300)
    wait.set_defaults(run=_wait)

    results = commands.add_parser("results", help="Show every analysis of a study.")
    results.add_argument("study")
    results.set_defaults(run=_results)

    sign = commands.add_parser("sign", help="Write and sign a review.")
    sign.add_argument("study")
    sign.add_argument("verdict", nargs="+", type=_verdict, metavar="CONDITION=VERDICT")
    sign.add_argument("--comment", default="")
    sign.add_argument("--consent", action="store_true", help="The study may be used to train models.")
    sign.set_defaults(run=_sign)

    train = commands.add_parser("train", help="Train on what was signed.")
    train.add_argument("examination_type", metavar="CODE")
    train.add_argument("--kind", choices=("quick", "full"), default="quick")
    train.add_argument("--epochs", type=int)
    train.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="Wait until it has ended.")
    train.set_defaults(run=_train)
    return parser


def _verdict(text: str) -> tuple[str, str]:
    code, _, verdict = text.partition("=")
    if not code or verdict not in VERDICTS:
        raise argparse.ArgumentTypeError(f"write CONDITION=VERDICT, with one of {', '.join(VERDICTS)}")
    return code, verdict


def _say(said: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")
