"""Who reads a study now."""

from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from diagnosis.models import Claim, Review, ReviewState, Study


@dataclass(frozen=True)
class Nobody:
    """Stands where no claim does."""

    reader: None = None
    claimed_at: None = None
    expires_at: None = None
    revision: int = 0


def standing_claim(study: Study) -> Claim | None:
    """Return the claim of whoever reads the study now."""
    return Claim.objects.filter(study=study, expires_at__gt=timezone.now()).select_related("reader").first()


def claims_of_others(user: User) -> "QuerySet[Claim]":
    """Return, for a query of studies, the claims of whoever else reads each of them now."""
    return Claim.objects.filter(study=OuterRef("pk"), expires_at__gt=timezone.now()).exclude(reader=user)


def signed_by_others(study: Study, *, user: User) -> int:
    """Return how many signed reviews of other readers the study has."""
    return Review.objects.filter(study=study, state=ReviewState.SIGNED).exclude(reader=user).count()
