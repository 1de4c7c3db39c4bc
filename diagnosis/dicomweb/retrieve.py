"""Stored instances as WADO-RS hands them out (PS3.18 10.4)."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import FileDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from diagnosis.dicom.transfer import (
    WRITTEN,
    CannotTranscode,
    in_transfer_syntax,
    make_native,
    native_frame,
    transfer_syntax_of,
)
from diagnosis.dicomweb.addresses import Addresses
from diagnosis.dicomweb.answers import OutgoingPart
from diagnosis.dicomweb.media import (
    ANY_SYNTAX,
    DICOM,
    MEDIA_TYPE_OF,
    OCTETS,
    Accepted,
    NotAcceptable,
    best_syntax,
)
from diagnosis.models import Instance
from diagnosis.selectors.dicom_files import dicom_file
from diagnosis.selectors.limits import image_limits
from mlcore.engine.imaging.dicom_codecs import encoded_frame
from mlcore.engine.imaging.dicom_file import read_dicom
from mlcore.engine.imaging.dicom_header import NATIVE, dicom_header
from mlcore.engine.imaging.quiet import refusing_damage

BULK_BYTES = 1024
"""Larger binary values are handed out apart from the metadata."""


def instance_part(instance: Instance, *, wanted: Sequence[str], addresses: Addresses) -> OutgoingPart:
    """Return an instance in the first of the wanted transfer syntaxes that it can be had in.

    Raises:
        NotAcceptable: it can be had in none of them.
    """
    content = dicom_file(instance)
    stored = transfer_syntax_of(content)
    syntax = best_syntax(wanted, stored=stored, written=WRITTEN)
    try:
        content = in_transfer_syntax(content, target=UID(syntax), limits=image_limits())
    except CannotTranscode as error:
        raise _as_stored(stored) from error
    return OutgoingPart(content, f"{DICOM}; transfer-syntax={syntax}", addresses.instance(instance))


def metadata(instance: Instance, *, addresses: Addresses) -> dict[str, Any]:
    """Return everything but the bulk data, which is named by its address (PS3.18 10.4.1.1.2)."""
    dataset = _read(instance)

    def elsewhere(element: DataElement) -> str:
        return f"{addresses.instance(instance)}/bulkdata/{element.tag:08X}"

    with refusing_damage("DICOM file"):
        described: dict[str, Any] = {}
        for element in dataset:
            # Only what stands at the top level has an address of its own.
            handler = None if element.VR == "SQ" else elsewhere
            described[f"{element.tag:08X}"] = element.to_json_dict(handler, BULK_BYTES)
        if "PixelData" in dataset:
            described["7FE00010"] = {"vr": "OW", "BulkDataURI": elsewhere(dataset["PixelData"])}
        described["00083002"] = {"vr": "UI", "Value": [str(dataset.file_meta.TransferSyntaxUID)]}
        return described


def bulk_data(instance: Instance, *, tag: int) -> bytes | None:
    """Return a binary value in little endian order, pixels decompressed; None where there is none."""
    dataset = _read(instance)
    if tag not in dataset:
        return None
    with refusing_damage("DICOM file"):
        try:
            make_native(dataset)
        except CannotTranscode as error:
            raise _as_stored(UID(dataset.file_meta.TransferSyntaxUID)) from error
        value = dataset[tag].value
    return value if isinstance(value, bytes) else None


def frame_parts(
    instance: Instance, *, indexes: Sequence[int], items: Sequence[Accepted], addresses: Addresses
) -> tuple[str, Iterator[OutgoingPart]]:
    """Return the media type of the frames, and the frames, as the client likes them best.

    Raises:
        NotAcceptable: they can be had in nothing that is accepted.
    """
    dataset = _read(instance)
    stored = UID(dataset.file_meta.TransferSyntaxUID)
    media_type, syntax = _frame_type(items, stored=stored)
    if syntax != stored or stored in NATIVE:
        with refusing_damage("DICOM file"):
            try:
                make_native(dataset)
            except CannotTranscode as error:
                raise _as_stored(stored) from error
    content_type = f"{media_type}; transfer-syntax={syntax}"
    return media_type, _frames(dataset, indexes, content_type, addresses.instance(instance))


def _frames(
    dataset: FileDataset, indexes: Sequence[int], content_type: str, address: str
) -> Iterator[OutgoingPart]:
    header = dicom_header(dataset)
    native = UID(dataset.file_meta.TransferSyntaxUID) in NATIVE
    for index in indexes:
        content = (
            native_frame(dataset, index=index)
            if native
            else encoded_frame(dataset, header=header, index=index)
        )
        yield OutgoingPart(content, content_type, f"{address}/frames/{index + 1}")


def _frame_type(items: Sequence[Accepted], *, stored: UID) -> tuple[str, str]:
    """Return media type and transfer syntax in which frames are sent (PS3.18 8.7.3.3)."""
    compressed = MEDIA_TYPE_OF.get(stored)
    for item in items:
        as_stored = item.transfer_syntax in (ANY_SYNTAX, stored) or (
            not item.transfer_syntax and item.media_type != OCTETS
        )
        # Some viewers ask for octets in any transfer syntax when they mean the frames as they are stored.
        octets_as_stored = item.transfer_syntax == ANY_SYNTAX and item.media_type == OCTETS
        if compressed and as_stored and (item.fits(compressed) or octets_as_stored):
            return compressed, str(stored)
        if item.fits(OCTETS) and item.transfer_syntax in ("", ANY_SYNTAX, ExplicitVRLittleEndian):
            return OCTETS, str(ExplicitVRLittleEndian)
    raise _as_stored(stored)


def _read(instance: Instance) -> FileDataset:
    """Return an instance with all its words in little endian order, its pixels as they are stored."""
    dataset = read_dicom(dicom_file(instance), limits=image_limits())
    if UID(dataset.file_meta.TransferSyntaxUID) in NATIVE:
        with refusing_damage("DICOM file"):
            make_native(dataset)
    return dataset


def _as_stored(stored: UID) -> NotAcceptable:
    return NotAcceptable(
        f"The object is stored as '{stored.name}', and is not made into what you accept.",
        mend="Accept transfer-syntax=* to get it as it is stored.",
    )
