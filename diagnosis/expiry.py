"""Remove what arrived of files that nobody finished sending."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from diagnosis.models import PartialUpload
from medimaging.common.storage import delete_content

AT_ONCE = 100
"""Files removed in one pass."""


def expire_partial_uploads() -> int:
    """Remove the expired, parts first: a row outlives its parts, never the other way round."""
    limit = timezone.now() - timedelta(seconds=settings.UPLOAD_PART_SECONDS)
    expired = list(PartialUpload.objects.filter(last_part_at__lt=limit).order_by("last_part_at")[:AT_ONCE])
    for partial in expired:
        for key in partial.part_keys:
            delete_content(key)
        partial.delete()
    return len(expired)
