"""Check a file and take everything that identifies its patient out of it."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date

from diagnosis.dicom.deidentify import deidentify
from diagnosis.dicom.pseudonyms import hashed_uid, pseudonym
from diagnosis.dicom.transcode import is_slow, transcode
from diagnosis.selectors.limits import image_limits
from medimaging.common.identity import identity_key
from mlcore.engine.errors import EmptyFile, ImageTooLarge
from mlcore.engine.imaging.decode import decode_samples, inspect_image
from mlcore.engine.imaging.encode import sanitize_image
from mlcore.engine.imaging.formats import detect_format
from mlcore.engine.types import ImageFormat, ImageLimits


@dataclass(frozen=True)
class CleanImage:
    """A file without identity, ready to be stored."""

    content: bytes
    extension: str
    patient_pseudonym: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    instance_values: dict[str, object]
    series_values: dict[str, object]
    patient_sex: str = ""
    patient_age_years: int | None = None
    study_date: date | None = None


def clean(content: bytes, *, patient_identifier: str = "") -> CleanImage:
    """Check the file and return it without identity.

    Raises:
        ImageError: what is wrong with the file, and how to mend it.
    """
    limits = image_limits()
    if not content:
        raise EmptyFile("The file is empty.")
    if len(content) > limits.max_bytes:
        raise ImageTooLarge(
            f"The file is larger than the {limits.max_bytes // 2**20} MB that are accepted.",
            mend="Send a smaller export of the image.",
        )
    if detect_format(content[:4096]) is ImageFormat.DICOM:
        return _clean_dicom(content, limits=limits)
    return _clean_raster(content, limits=limits, patient_identifier=patient_identifier)


def _clean_dicom(content: bytes, *, limits: ImageLimits) -> CleanImage:
    samples = decode_samples(content, limits=limits)
    file = deidentify(content, key=identity_key(), limits=limits)
    stored = file.content
    if is_slow(inspect_image(stored, limits=limits)):
        stored = transcode(stored, samples=samples)
    facts = file.attributes
    spacing = facts.pixel_spacing or (None, None)
    return CleanImage(
        content=stored,
        extension="dcm",
        patient_pseudonym=file.patient_pseudonym,
        study_instance_uid=facts.study_instance_uid,
        series_instance_uid=facts.series_instance_uid,
        sop_instance_uid=facts.sop_instance_uid,
        patient_sex=facts.patient_sex,
        patient_age_years=facts.patient_age_years,
        study_date=facts.study_date,
        series_values={
            "modality": facts.modality,
            "body_part_examined": facts.body_part_examined,
            "laterality": facts.laterality,
            "series_number": facts.series_number,
        },
        instance_values={
            "format": ImageFormat.DICOM.value,
            "sop_class_uid": facts.sop_class_uid,
            "instance_number": facts.instance_number,
            "rows": facts.rows,
            "columns": facts.columns,
            "frame_count": facts.number_of_frames,
            "bits_stored": facts.bits_stored,
            "photometric_interpretation": facts.photometric_interpretation,
            "transfer_syntax_uid": inspect_image(stored, limits=limits).transfer_syntax_uid,
            "view_position": facts.view_position,
            "pixel_spacing_row": spacing[0],
            "pixel_spacing_column": spacing[1],
            "window_center": facts.window_center,
            "window_width": facts.window_width,
            "burned_in_annotation": facts.burned_in_annotation,
        },
    )


def _clean_raster(content: bytes, *, limits: ImageLimits, patient_identifier: str) -> CleanImage:
    safe = sanitize_image(content, limits=limits)
    header = inspect_image(safe.content, limits=limits)
    key = identity_key()
    digest = hashlib.sha256(safe.content).hexdigest()
    return CleanImage(
        content=safe.content,
        extension=safe.extension,
        patient_pseudonym=pseudonym(patient_identifier.strip() or f"image {digest}", key=key),
        study_instance_uid=hashed_uid(f"study {digest}", key=key),
        series_instance_uid=hashed_uid(f"series {digest}", key=key),
        sop_instance_uid=hashed_uid(f"instance {digest}", key=key),
        series_values={},
        instance_values={
            "format": safe.format.value,
            "rows": header.rows,
            "columns": header.columns,
            "frame_count": header.frame_count,
            "bits_stored": header.bits_stored,
            "photometric_interpretation": header.photometric_interpretation,
        },
    )


def stored_uid(uid: str) -> str:
    """Return the UID under which something that came in as `uid` is stored."""
    return hashed_uid(uid, key=identity_key())


def content_digest(content: bytes) -> str:
    """Return the keyed hash by which the same bytes are known again; it does not give them away."""
    return hmac.new(identity_key(), content, hashlib.sha256).hexdigest()
