"""What the site answers, as frozen values; `raw` is the whole answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Json = Mapping[str, Any]
Row = TypeVar("Row")
ANALYSIS_ENDED = frozenset({"succeeded", "withheld", "failed"})
TRAINING_ENDED = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True)
class Finding:
    """What the model says of one condition."""

    condition: str
    probability: float
    operating_point: float
    suggested: bool


@dataclass(frozen=True)
class Analysis:
    """One model version's answer about one image."""

    id: str
    state: str
    study: str
    instance: str
    findings: tuple[Finding, ...]
    withheld_message: str
    failure_message: str
    notice: str
    answers_hidden: bool
    raw: Json = field(repr=False)

    @property
    def is_final(self) -> bool:
        """Tell whether the analysis has come to its end."""
        return self.state in ANALYSIS_ENDED

    @classmethod
    def read(cls, body: Json) -> "Analysis":
        """Return the analysis that an answer describes."""
        return cls(
            id=str(body["id"]),
            state=str(body["state"]),
            study=str(body["study"]),
            instance=str(body["instance"]),
            findings=tuple(
                Finding(
                    condition=str(found["condition"]["code"]),
                    probability=float(found["probability"]),
                    operating_point=float(found["operating_point"]),
                    suggested=bool(found["suggested"]),
                )
                for found in body.get("findings") or ()
            ),
            withheld_message=str(body.get("withheld_message") or ""),
            failure_message=str(body.get("failure_message") or ""),
            notice=str(body.get("notice") or ""),
            answers_hidden=bool(body.get("answers_hidden", False)),
            raw=body,
        )


@dataclass(frozen=True)
class Upload:
    """What became of a file that was handed in."""

    instance_id: str
    study_id: str
    analysis_id: str | None
    duplicate: bool
    raw: Json = field(repr=False)

    @classmethod
    def read(cls, body: Json) -> "Upload":
        """Return the upload that an answer describes."""
        analysis = body.get("analysis")
        return cls(
            instance_id=str(body["instance"]["id"]),
            study_id=str(body["instance"]["study"]),
            analysis_id=str(analysis["id"]) if analysis else None,
            duplicate=bool(body["duplicate"]),
            raw=body,
        )


@dataclass(frozen=True)
class Review:
    """A reader's verdicts on a study; `etag` is what a change must name."""

    id: str
    study: str
    state: str
    verdicts: Mapping[str, str]
    etag: str
    raw: Json = field(repr=False)

    @classmethod
    def read(cls, body: Json, *, etag: str) -> "Review":
        """Return the review that an answer describes."""
        return cls(
            id=str(body["id"]),
            study=str(body["study"]),
            state=str(body["state"]),
            verdicts={str(found["condition"]["code"]): str(found["verdict"]) for found in body["findings"]},
            etag=etag,
            raw=body,
        )


@dataclass(frozen=True)
class TrainingRun:
    """A training."""

    id: str
    state: str
    candidate: str | None
    failure_message: str
    progress: Json | None
    raw: Json = field(repr=False)

    @property
    def is_final(self) -> bool:
        """Tell whether the training has ended."""
        return self.state in TRAINING_ENDED

    @classmethod
    def read(cls, body: Json) -> "TrainingRun":
        """Return the training that an answer describes."""
        candidate = body.get("candidate")
        return cls(
            id=str(body["id"]),
            state=str(body["state"]),
            candidate=str(candidate) if candidate else None,
            failure_message=str(body.get("failure_message") or ""),
            progress=body.get("progress"),
            raw=body,
        )


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a list."""

    rows: tuple[Row, ...]
    next: str | None
