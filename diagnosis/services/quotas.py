"""How much one user may hand in within an hour."""

import math
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Role, User
from diagnosis.models import Upload, UploadSource
from medimaging.common.errors import TooMany

WINDOW = timedelta(hours=1)
SHORTEST_WAIT = 1


class UploadQuotaExceeded(TooMany):
    """The user handed in too much within the last hour."""

    code = "upload_quota_exceeded"
    mend = gettext_lazy("Wait as long as Retry-After says, or ask an administrator.")


def require_room(user: User, *, byte_count: int, source: UploadSource) -> None:
    """Refuse a file that goes beyond what the user may hand in; a command on the server is not counted.

    Raises:
        UploadQuotaExceeded: with the seconds after which the oldest upload counts no longer.
    """
    if source == UploadSource.COMMAND:
        return
    files, volume = settings.UPLOAD_QUOTAS["system" if user.role == Role.INTEGRATOR else "person"]
    now = timezone.now()
    recent = Upload.objects.filter(uploaded_by=user, received_at__gt=now - WINDOW).order_by()
    used = recent.aggregate(count=Count("pk"), bytes=Sum("byte_count"), oldest=Min("received_at"))
    if used["count"] >= files:
        raise UploadQuotaExceeded(
            _("You have handed in %(count)d files within an hour, which is the most.") % {"count": files},
            retry_after=_seconds_until_room(used["oldest"], now),
        )
    if used["count"] and used["bytes"] + byte_count > volume:
        raise UploadQuotaExceeded(
            _("You have handed in %(count)d MB within an hour, which is the most.")
            % {"count": volume // 1024**2},
            retry_after=_seconds_until_room(used["oldest"], now),
        )


def _seconds_until_room(oldest: datetime, now: datetime) -> int:
    return max(SHORTEST_WAIT, math.ceil((oldest + WINDOW - now).total_seconds()))
