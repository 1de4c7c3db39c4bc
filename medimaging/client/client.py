"""Ask the REST interface of a site."""

import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from medimaging.client.errors import Problem, TimedOut, Unreachable
from medimaging.client.types import Analysis, Review, TrainingRun, Upload

LONGEST_WAIT = 30
"""For how long the site holds one request, in seconds."""
REPEATS = 4
"""How often a request that found nobody, or was told to come later, is sent."""
LATER = frozenset({429, 502, 503, 504})
TRAINING_POLL_SECONDS = 5.0


class Client:
    """A connection to one site, with one token. Safe to repeat: every POST carries an Idempotency-Key."""

    def __init__(
        self, site: str, *, token: str, timeout: float = 60.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._http = httpx.Client(
            base_url=site.rstrip("/") + "/api/v1/",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json, */*;q=0.5"},
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def me(self) -> Mapping[str, Any]:
        """Return who the token belongs to and what it may do."""
        answer: Mapping[str, Any] = self._json("GET", "me")
        return answer

    def upload(
        self,
        file: Path | bytes,
        *,
        examination_type: str = "",
        patient_identifier: str = "",
        wait: float = 0,
    ) -> Upload:
        """Hand in one file; with `wait`, return after so many seconds at most, analyzed if possible.

        Raises:
            Problem: the file cannot be used; it says why and how to mend it.
        """
        content = file.read_bytes() if isinstance(file, Path) else file
        named = {"examination_type": examination_type, "patient_identifier": patient_identifier}
        answer = self.request(
            "POST",
            "instances",
            data={name: value for name, value in named.items() if value},
            files={"file": ("file", content)},
            headers=_prefer(wait),
        )
        return Upload.read(answer.json())

    def analysis(self, analysis_id: str, *, wait: float = 0) -> Analysis:
        """Return an analysis as it stands, or within `wait` seconds once it is final."""
        return Analysis.read(self._json("GET", f"analyses/{analysis_id}", headers=_prefer(wait)))

    def wait(self, analysis_id: str, *, seconds: float = 300) -> Analysis:
        """Return an analysis once it is final.

        Raises:
            TimedOut: it was not within `seconds`.
        """
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            analysis = self.analysis(analysis_id, wait=min(left, LONGEST_WAIT))
            if analysis.is_final:
                return analysis
            if left <= 1:
                raise TimedOut(f"The analysis is {analysis.state} after {seconds:.0f} seconds.")

    def results(self, study_id: str) -> Iterator[Analysis]:
        """Yield every analysis of a study, the newest first."""
        for row in self.rows("analyses", study=study_id):
            yield Analysis.read(row)

    def begin_review(
        self, study_id: str, verdicts: Mapping[str, str], *, comment: str = "", training_consent: bool = False
    ) -> Review:
        """Return the caller's draft on a study, which says what was given: condition to verdict."""
        findings = [{"condition": code, "verdict": verdict} for code, verdict in verdicts.items()]
        said = {"findings": findings, "comment": comment, "training_consent": training_consent}
        draft = self._review(self.request("POST", "reviews", json={"study": study_id}))
        changed = self.request("PATCH", f"reviews/{draft.id}", json=said, headers={"If-Match": draft.etag})
        return self._review(changed)

    def sign(self, review: Review) -> Review:
        """Sign a draft as it was read; refused where somebody changed it since."""
        answer = self.request("POST", f"reviews/{review.id}/sign", headers={"If-Match": review.etag})
        return self._review(answer)

    def train(self, examination_type: str, *, kind: str = "quick", epochs: int | None = None) -> TrainingRun:
        """Queue a training on what was signed."""
        asked: dict[str, Any] = {"examination_type": examination_type, "kind": kind}
        if epochs is not None:
            asked["epochs"] = epochs
        return TrainingRun.read(self._json("POST", "training-runs", json=asked))

    def training_run(self, run_id: str) -> TrainingRun:
        """Return a training as it stands."""
        return TrainingRun.read(self._json("GET", f"training-runs/{run_id}"))

    def wait_for_training(self, run_id: str, *, seconds: float = 24 * 3600) -> TrainingRun:
        """Return a training once it has ended.

        Raises:
            TimedOut: it had not within `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not (run := self.training_run(run_id)).is_final:
            if time.monotonic() >= deadline:
                raise TimedOut(f"The training is {run.state} after {seconds:.0f} seconds.")
            time.sleep(min(TRAINING_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
        return run

    def rows(self, name: str, **filters: str) -> Iterator[Mapping[str, Any]]:
        """Yield every row of a list, page after page."""
        page = self._json("GET", name, params=filters)
        while True:
            yield from page["results"]
            if not page["next"]:
                return
            page = self._json("GET", page["next"])

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request, again where it found nobody or was told to come later.

        Raises:
            Problem: the site refused.
            Unreachable: it did not answer.
        """
        if method == "POST":
            key = {"Idempotency-Key": str(uuid.uuid4())}
            options["headers"] = {**key, **(options.get("headers") or {})}
        for attempt in range(1, REPEATS + 1):
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if attempt == REPEATS or method not in {"GET", "POST"}:
                    raise Unreachable(f"{self._http.base_url.host} did not answer: {error}") from error
                time.sleep(2.0 ** (attempt - 1) / 2)
                continue
            if answer.is_success:
                return answer
            if (answer.status_code not in LATER and not _still_running(answer)) or attempt == REPEATS:
                break
            time.sleep(_seconds_to_wait(answer, attempt=attempt))
        raise Problem(_body(answer), status=answer.status_code)

    def _json(self, method: str, path: str, **options: Any) -> Any:
        return self.request(method, path, **options).json()

    def _review(self, answer: httpx.Response) -> Review:
        return Review.read(answer.json(), etag=answer.headers["ETag"])


def _prefer(wait: float) -> dict[str, str]:
    seconds = min(int(wait), LONGEST_WAIT)
    return {"Prefer": f"wait={seconds}"} if seconds > 0 else {}


def _still_running(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and _body(answer).get("code") == "idempotency_still_running"


def _seconds_to_wait(answer: httpx.Response, *, attempt: int) -> float:
    """Return what Retry-After asks for, up to a minute: who is told to wait longer should know."""
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), 60.0) if asked.isdecimal() else 2.0 ** (attempt - 1) / 2


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
