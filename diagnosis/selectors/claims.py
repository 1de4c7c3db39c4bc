"""Who reads a study now."""

from django.utils import timezone

from accounts.models import User
from diagnosis.models import Claim, Review, ReviewState, Study


def standing_claim(study: Study) -> Claim | None:
    """Return the claim of whoever reads the study now."""
    return Claim.objects.filter(study=study, expires_at__gt=timezone.now()).select_related("reader").first()


def signed_by_others(study: Study, *, user: User) -> int:
    """Return how many signed reviews of other readers the study has."""
    return Review.objects.filter(study=study, state=ReviewState.SIGNED).exclude(reader=user).count()
