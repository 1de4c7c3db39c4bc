"""Remove the files of what was erased; the rows went when the erasure was confirmed."""

from uuid import UUID

from django.utils import timezone

from diagnosis.models import Erasure, ErasureState, Instance
from medimaging.common.storage import delete_content
from mlcore.forgetting import purge_files


def unfinished_erasures() -> list[str]:
    """Return the ids of confirmed erasures whose files are not all gone."""
    confirmed = Erasure.objects.filter(state=ErasureState.CONFIRMED)
    return [str(pk) for pk in confirmed.values_list("pk", flat=True)]


def remove_files(erasure_id: str) -> None:
    """Remove what a confirmed erasure lists; doing it twice is harmless.

    A file that an image uploaded since then shares stays: it is that image's now.
    """
    erasure = Erasure.objects.filter(pk=UUID(erasure_id), state=ErasureState.CONFIRMED).first()
    if erasure is None:
        return
    for key in erasure.files:
        if not Instance.objects.filter(content_key=key).exists():
            delete_content(key)
    purge_files()
    erasure.transition_to(ErasureState.ERASED, files=[], finished_at=timezone.now())
