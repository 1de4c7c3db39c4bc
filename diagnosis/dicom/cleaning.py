"""Copy from a DICOM data set what the allow-list allows, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from diagnosis.dicom.allowed import ATTRIBUTES, FUNCTIONAL_GROUPS, LUT_ATTRIBUTES, SEQUENCES, Check
from mlcore.engine.errors import ImageError
from mlcore.engine.imaging.dicom_file import sequence_items
from mlcore.engine.imaging.dicom_header import NATIVE, native_pixel_bytes
from mlcore.engine.types import ImageHeader

_PIXELS = ("PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths")


def copy_allowed(original: Dataset, *, into: Dataset) -> None:
    """Copy the allowed attributes and sequences of `original`, pixel data aside."""
    copy_attributes(original, into=into, allowed={k: v for k, v in ATTRIBUTES.items() if k not in _PIXELS})
    _copy_sequences(original, into=into)
    for keyword in FUNCTIONAL_GROUPS:
        groups = [Dataset() for _ in sequence_items(original, keyword)]
        for source, group in zip(sequence_items(original, keyword), groups, strict=True):
            _copy_sequences(source, into=group)
        if groups:
            setattr(into, keyword, Sequence(groups))


def copy_pixels(original: FileDataset, *, into: FileDataset, header: ImageHeader) -> None:
    """Copy pixel data byte for byte, but for bytes beyond the declared frames, which are no pixels."""
    element = original["PixelData"]
    native = UID(header.transfer_syntax_uid) in NATIVE
    value: bytes = element.value
    if native:
        length = native_pixel_bytes(header)
        value = value[: length + length % 2]
    pixels = DataElement(element.tag, _representation("PixelData", element=element), value)
    pixels.is_undefined_length = not native
    into.add(pixels)
    if not native:
        copy_attributes(original, into=into, allowed=dict.fromkeys(_PIXELS[1:], _is_bytes))


def copy_attributes(original: Dataset, *, into: Dataset, allowed: Mapping[str, Check]) -> None:
    """Copy the attributes that are there and whose every value passes its check."""
    for keyword, check in allowed.items():
        element = _element(original, keyword)
        if element is None:
            continue
        values = _values(element.value)
        kept = [value for value in values if check(value)]
        if kept and (len(kept) == len(values) or keyword == "ImageType"):
            value = kept if len(kept) > 1 else kept[0]
            into.add(DataElement(element.tag, _representation(keyword, element=element), value))


def _copy_sequences(original: Dataset, *, into: Dataset) -> None:
    for keyword, names in SEQUENCES.items():
        items = []
        for source in sequence_items(original, keyword):
            item = Dataset()
            allowed = {name: ATTRIBUTES.get(name) or LUT_ATTRIBUTES[name] for name in names}
            copy_attributes(source, into=item, allowed=allowed)
            items.append(item)
        if items:
            setattr(into, keyword, Sequence(items))


def _element(original: Dataset, keyword: str) -> DataElement | None:
    """Return an attribute, or None where it is absent, empty or cannot be understood."""
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in original:
        return None
    try:
        element = original[tag]
        return None if element.is_empty else element
    except ImageError:
        raise
    except Exception:  # noqa: BLE001 - an attribute that cannot be read is an attribute that is not kept
        return None


def _values(value: Any) -> list[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return [value]
    return list(value)


def _representation(keyword: str, *, element: DataElement) -> str:
    """Return the value representation of the dictionary; where that leaves a choice, the one in the file."""
    choices = dictionary_VR(keyword).split(" or ")
    return element.VR if element.VR in choices else choices[-1]


def _is_bytes(value: Any) -> bool:
    return isinstance(value, bytes)
