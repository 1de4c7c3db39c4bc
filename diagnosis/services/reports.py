"""Take the report of a signed review out of the site."""

from django.db import transaction

from accounts.models import User
from accounts.services import audit
from diagnosis.models import Review


@transaction.atomic
def note_report(review: Review, *, by: User, content_hash: str) -> None:
    """Record that a user took the report of a review out as a file."""
    details = {"study": str(review.study_id), "content_sha256": content_hash}
    audit.record("review.report", by=by, target=review, details=details)
