"""Take the files of a folder in, one after the other, and count the verdicts."""

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from types import FrameType
from uuid import UUID

from accounts.models import User
from diagnosis.management.folder import FoundFile, read_at_most
from diagnosis.models import Analysis, Instance, UploadSource, UploadState
from diagnosis.selectors.limits import image_limits
from diagnosis.selectors.uploads import stored_before
from diagnosis.services import cleaning, intake
from diagnosis.services.analysis import wait_for_analysis
from mlcore.engine.errors import ImageError
from mlcore.models import ExaminationType


class Outcome(StrEnum):
    """What can become of a file."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    STORED_BEFORE = "stored before"
    REJECTED = "rejected"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Verdict:
    """What became of one file, in a word and in a sentence."""

    outcome: Outcome
    sentence: str
    instance_id: UUID | None = None


@dataclass
class Ingestion:
    """One run over a folder."""

    user: User
    examination_type: ExaminationType
    dry_run: bool = False
    counts: "Counter[Outcome]" = field(default_factory=Counter)
    instance_ids: list[UUID] = field(default_factory=list)

    def take(self, found: FoundFile) -> Verdict:
        """Take one file in; whatever is wrong with it is its verdict."""
        verdict = self._judge(found)
        self.counts[verdict.outcome] += 1
        if verdict.instance_id is not None:
            self.instance_ids.append(verdict.instance_id)
        return verdict

    def _judge(self, found: FoundFile) -> Verdict:
        if found.path is None:
            return Verdict(Outcome.REJECTED if found.is_error else Outcome.SKIPPED, found.problem)
        try:
            content = read_at_most(found.path, limit=image_limits().max_bytes)
        except OSError:
            return Verdict(Outcome.REJECTED, "rejected: the file cannot be read.")
        stored = stored_before(cleaning.content_digest(content), user=self.user)
        if stored is not None:
            return Verdict(Outcome.STORED_BEFORE, f"stored before as {stored.pk}", stored.pk)
        return self._try_out(content) if self.dry_run else self._receive(content)

    def _try_out(self, content: bytes) -> Verdict:
        try:
            cleaning.clean(content)
        except ImageError as error:
            return Verdict(Outcome.REJECTED, f"would be rejected: {error}")
        return Verdict(Outcome.ACCEPTED, "would be accepted")

    def _receive(self, content: bytes) -> Verdict:
        upload = intake.receive(
            content, by=self.user, source=UploadSource.COMMAND, examination_type=self.examination_type
        )
        if upload.state != UploadState.ACCEPTED or upload.instance is None:
            return Verdict(Outcome.REJECTED, f"rejected: {upload.rejection}")
        if upload.duplicate:
            return Verdict(Outcome.DUPLICATE, f"duplicate of {upload.instance_id}", upload.instance_id)
        return Verdict(Outcome.ACCEPTED, f"accepted {upload.instance.series.study_id}", upload.instance_id)


def wait_for_answers(instance_ids: list[UUID], *, seconds: float) -> "Counter[str]":
    """Wait until the latest analysis of each instance is final, and count their states."""
    deadline = monotonic() + seconds
    states: Counter[str] = Counter()
    for instance in Instance.objects.filter(pk__in=instance_ids):
        analysis = Analysis.objects.filter(instance=instance).order_by("-requested_at").first()
        if analysis is None:
            states["not analyzed"] += 1
        else:
            states[wait_for_analysis(analysis, seconds=max(0.0, deadline - monotonic())).state] += 1
    return states


@contextmanager
def stop_between_files() -> Iterator[threading.Event]:
    """Turn Ctrl-C into an event, so that the file at hand is finished; a second one stops at once."""
    stopped = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = signal.signal(signal.SIGINT, ask_to_stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)
