"""Forget an erased image: its embeddings, and the files that trainings keep of it on each machine."""

import hashlib

from mlcore.material import training_folder
from mlcore.models import Embedding, ForgottenImage


def forget_image(*, source_id: str, content_key: str) -> int:
    """Delete the image's embeddings, in the caller's transaction; return how many there were.

    The row that is left makes every worker drop the vector from its memory, and
    every machine the files it keeps.
    """
    deleted, _ = Embedding.objects.filter(source_id=source_id).delete()
    ForgottenImage.objects.create(source_id=source_id, content_key=content_key)
    return deleted


def purge_files() -> int:
    """Remove what trainings on this machine worked out for forgotten images; return how many files."""
    folder = training_folder()
    removed = 0
    for key in ForgottenImage.objects.values_list("content_key", flat=True).iterator():
        digest = hashlib.sha256(key.encode()).hexdigest()
        for path in folder.glob(f"*/*/{digest[:2]}/{digest}.npy"):
            path.unlink(missing_ok=True)
            removed += 1
    return removed
