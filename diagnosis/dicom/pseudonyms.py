"""Replace identifiers by keyed hashes that only the holder of the key can repeat."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid

_PSEUDONYM_BYTES = 10
_PATIENTS = uuid.UUID("6f1c5a1e-2d43-4f0b-9a57-0d4b1f7f6c11")
_MAX_SHIFT_DAYS = 3650
_SHORTEST_KEY = 16
_PLACEHOLDERS = frozenset(
    {
        "",
        "ANON",
        "ANONYM",
        "ANONYMIZED",
        "ANONYMISED",
        "ANONYMOUS",
        "NA",
        "N/A",
        "NO ID",
        "NOID",
        "NONE",
        "NULL",
        "PATIENT",
        "TEST",
        "UNKNOWN",
        "X",
    }
)


def pseudonym(identifier: str, *, key: bytes) -> str:
    """Return the pseudonym of a patient: 16 letters and digits, the same for the same identifier and key.

    80 bits of HMAC-SHA256 in base32, so that neither the identifier nor a
    table of all identifiers can be worked out without the key.
    """
    digest = _keyed(identifier.strip(), key=key, purpose="patient")
    return base64.b32encode(digest[:_PSEUDONYM_BYTES]).decode("ascii")


def patient_id(patient_pseudonym: str) -> uuid.UUID:
    """Return the id under which a patient with this pseudonym is entered.

    It follows from the pseudonym, so that images that are imported without a study
    belong to the same patient as those that are uploaded.
    """
    return uuid.uuid5(_PATIENTS, patient_pseudonym)


def hashed_uid(uid: str, *, key: bytes) -> str:
    """Return the UID that stands for `uid`: '2.25.' and a keyed 128-bit number (PS3.5 B.2).

    The same UID always becomes the same, so references stay consistent.
    """
    digest = _keyed(uid.strip(), key=key, purpose="uid")
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def shift_days(patient_pseudonym: str, *, key: bytes) -> int:
    """Return by how many days the dates of a patient move into the past, 1 to 3650."""
    digest = _keyed(patient_pseudonym, key=key, purpose="date")
    return 1 + int.from_bytes(digest[:8], "big") % _MAX_SHIFT_DAYS


def is_placeholder(patient_id: str) -> bool:
    """Whether a Patient ID names nobody, so that two files that share it need not share a patient."""
    plain = patient_id.strip().upper()
    return plain in _PLACEHOLDERS or not plain.strip("0-_. *?X")


def check_key(key: bytes) -> None:
    """Raise `ValueError` for a key that can be guessed."""
    if len(key) < _SHORTEST_KEY:
        raise ValueError(f"The key of the pseudonyms must have at least {_SHORTEST_KEY} bytes.")


def _keyed(text: str, *, key: bytes, purpose: str) -> bytes:
    check_key(key)
    return hmac.digest(key, f"{purpose}\x1f{text}".encode(), hashlib.sha256)
