"""The secret of an installation with which what identifies somebody is hashed."""

from django.conf import settings


def identity_key() -> bytes:
    """Return the key of pseudonyms, UIDs and digests, which nobody repeats without it."""
    return str(settings.IDENTITY_KEY).encode()
