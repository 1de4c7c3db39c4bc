"""Ask for further maps of where a score is sensitive, and wait for them."""

import time
from http import HTTPStatus

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.services import audit
from diagnosis import tasks
from diagnosis.models import Explanation, ExplanationState, Finding
from diagnosis.selectors.explanations import askable
from medimaging.common.errors import ApplicationError, NotAllowed

POLL_SECONDS = 0.1


class NoSuchMap(ApplicationError):
    """The finding cannot be explained in this way."""

    code = "explanation_not_available"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    mend = gettext_lazy("Ask for one of the methods that are listed with the finding.")


@transaction.atomic
def request_explanation(finding: Finding, *, method: str, by: User) -> Explanation:
    """Queue a map, to be drawn once the caller's transaction is committed.

    Asking again returns the map that is there; one that failed is drawn again.
    """
    if not by.uploads_images:
        raise NotAllowed(_("Your role does not ask for maps."))
    if method not in askable(finding):
        raise NoSuchMap(_("This finding has no map of that kind."))
    explanation, created = Explanation.objects.get_or_create(
        finding=finding, method=method, defaults={"requested_by": by}
    )
    failed = explanation.state == ExplanationState.FAILED
    if failed:
        explanation.transition_to(
            ExplanationState.PENDING,
            attempts=0,
            signaled_at=timezone.now(),
            finished_at=None,
            failure_code="",
            failure_message="",
        )
    if created or failed:
        audit.record("explanation.request", by=by, target=explanation, details={"method": method})
        transaction.on_commit(lambda: tasks.signal_explanation(str(explanation.pk)))
    return explanation


def wait_for_explanation(explanation: Explanation, *, seconds: float) -> Explanation:
    """Return the map once it is drawn, or as it stands when the time is up."""
    deadline = time.monotonic() + seconds
    while not explanation.is_final and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        explanation.refresh_from_db()
    return explanation
