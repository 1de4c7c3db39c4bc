"""Have an image analyzed again, by whichever model is active now."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.services import audit
from diagnosis.models import Analysis, AnalysisState, Instance
from diagnosis.services.analysis import request_analysis, retry_analysis
from medimaging.common.errors import Conflict


class NoActiveModel(Conflict):
    """Nothing answers for the examination type."""

    code = "no_active_model"
    mend = gettext_lazy("Activate a model version of this examination type, then ask again.")


@transaction.atomic
def rerun_analysis(instance: Instance, *, by: User, reason: str) -> Analysis:
    """Return the active model's analysis, queued where it is missing or had failed.

    A model version answers an image once: the same file gives the same answer.
    """
    if instance.quarantined_at is not None:
        raise Conflict(_("This image is in quarantine."), code="quarantined", mend=_("Release it first."))
    analysis = request_analysis(instance, by=by)
    if analysis is None:
        raise NoActiveModel(_("No model is active for this examination type."))
    if analysis.state == AnalysisState.FAILED:
        return retry_analysis(analysis, by=by, reason=reason)
    audit.record(
        "instance.analyze", by=by, target=instance, reason=reason, details={"analysis": str(analysis.pk)}
    )
    return analysis
