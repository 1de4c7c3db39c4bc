"""Say who reads a study now, so that two readers do not read it without knowing of each other.

A claim is advice: it stands for ten minutes after the reader's last sign of life,
anybody may take it over, and nobody is kept from signing by it.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.services import audit
from diagnosis.models import Claim, Study
from diagnosis.models.worklist import CLAIM_LENGTH
from medimaging.common.errors import Conflict, NotAllowed, StaleVersion


class StudyClaimed(Conflict):
    """A colleague reads the study now."""

    code = "study_claimed"
    mend = gettext_lazy("Wait until they are done, or look at their claim and take it over.")


@transaction.atomic
def claim_study(study: Study, *, by: User) -> Claim:
    """Renew the reader's claim, or make one where nobody's stands; return the one that stands."""
    _require_reader(study, by=by)
    now = timezone.now()
    claim, created = Claim.objects.select_for_update().get_or_create(
        study=study, defaults={"reader": by, "claimed_at": now, "expires_at": now + CLAIM_LENGTH}
    )
    if created or (claim.stands and claim.reader_id != by.pk):
        return claim
    if claim.reader_id != by.pk or not claim.stands:
        claim.reader, claim.claimed_at = by, now
    claim.expires_at = now + CLAIM_LENGTH
    claim.save(update_fields=["reader", "claimed_at", "expires_at"])
    return claim


def hold_study(study: Study, *, by: User) -> Claim:
    """Claim the study or renew the reader's claim, for whoever wants it or nothing.

    Raises:
        StudyClaimed: a colleague's claim stands.
    """
    claim = claim_study(study, by=by)
    if claim.reader_id != by.pk:
        raise StudyClaimed(_("%(name)s reads this study now.") % {"name": claim.reader})
    return claim


@transaction.atomic
def take_over(study: Study, *, by: User, expected_revision: int | None = None) -> Claim:
    """Make the claim the reader's own; whoever had it is told on their page.

    Raises:
        StaleVersion: the claim that stands is not the one of `expected_revision` (0: none stands).
    """
    _require_reader(study, by=by)
    now = timezone.now()
    before = Claim.objects.select_for_update().filter(study=study).first()
    standing = before.revision if before is not None and before.stands else 0
    if expected_revision not in {None, standing}:
        raise StaleVersion(_("Meanwhile somebody else reads this study, or nobody does."))
    claim, _created = Claim.objects.update_or_create(
        study=study, defaults={"reader": by, "claimed_at": now, "expires_at": now + CLAIM_LENGTH}
    )
    if before is not None and before.stands and before.reader_id != by.pk:
        audit.record("study.take_over", by=by, target=study, details={"from": str(before.reader_id)})
    return claim


def release_claim(study: Study, *, by: User) -> None:
    """End the reader's claim, because they are done."""
    Claim.objects.filter(study=study, reader=by).delete()


def _require_reader(study: Study, *, by: User) -> None:
    if not by.reads_studies or not Study.objects.visible_to(by).filter(pk=study.pk).exists():
        raise NotAllowed(
            _("You may not read this study."), mend=_("Ask an administrator for the role of a reader.")
        )
