"""What a DICOM data set says of its pixels, and why some are not read."""

from __future__ import annotations

from pydicom.dataset import FileDataset
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from mlcore.engine.errors import UnreadableImage, UnsupportedImage
from mlcore.engine.types import ImageFormat, ImageHeader

NATIVE = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
JPEG = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1)
JPEG_LS = (JPEGLSLossless, JPEGLSNearLossless)
JPEG_2000 = (JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K)
READ_TRANSFER_SYNTAXES = frozenset((*NATIVE, *JPEG, *JPEG_LS, *JPEG_2000, RLELossless))

_PHOTOMETRIC = frozenset(
    (
        "MONOCHROME1",
        "MONOCHROME2",
        "PALETTE COLOR",
        "RGB",
        "YBR_FULL",
        "YBR_FULL_422",
        "YBR_ICT",
        "YBR_RCT",
    )
)
_VIDEO_NAMES = ("MPEG", "H.264", "HEVC")
_UNCOMPRESSED = "Export the image again without compression (Explicit VR Little Endian)."


def dicom_header(dataset: FileDataset) -> ImageHeader:
    """Return the header of a data set that holds an image.

    Raises `UnsupportedImage` for directories, objects that are no image,
    video, more than 16 bits a sample and unknown transfer syntaxes, and
    `UnreadableImage` where the description of the pixels is missing or contradicts itself.
    """
    _refuse_other_objects(dataset)
    header = ImageHeader(
        format=ImageFormat.DICOM,
        rows=_integer(dataset, "Rows"),
        columns=_integer(dataset, "Columns"),
        frame_count=_integer(dataset, "NumberOfFrames", default=1),
        samples_per_pixel=_integer(dataset, "SamplesPerPixel", default=1),
        bits_allocated=_integer(dataset, "BitsAllocated"),
        bits_stored=_integer(dataset, "BitsStored"),
        photometric_interpretation=str(dataset.get("PhotometricInterpretation", "")).strip(),
        signed=_integer(dataset, "PixelRepresentation", default=0) == 1,
        transfer_syntax_uid=str(dataset.file_meta.TransferSyntaxUID),
    )
    _check_samples(header)
    return header


def native_pixel_bytes(header: ImageHeader) -> int:
    """Return how many bytes the uncompressed pixels of all frames take (PS3.5 8.1.1)."""
    samples = header.rows * header.columns * header.samples_per_pixel * header.frame_count
    if header.photometric_interpretation == "YBR_FULL_422":
        samples = samples * 2 // 3
    return (samples * header.bits_allocated + 7) // 8


def _refuse_other_objects(dataset: FileDataset) -> None:
    _refuse_transfer_syntax(UID(str(dataset.file_meta.TransferSyntaxUID)))
    sop_class = UID(str(dataset.get("SOPClassUID", "")))
    media_class = str(dataset.file_meta.get("MediaStorageSOPClassUID", ""))
    if media_class == MediaStorageDirectoryStorage or "DirectoryRecordSequence" in dataset:
        raise UnsupportedImage(
            "The file is a DICOMDIR, the table of contents of a disc, not an image.",
            mend="Send the image files that lie beside it.",
        )
    if "PixelData" in dataset:
        return
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise UnsupportedImage(
            "The DICOM file stores floating-point pixels, which are not read here.",
            mend="Export the image with 8 to 16 bits a pixel.",
        )
    if sop_class.keyword and "Image" not in sop_class.name and "Rows" not in dataset:
        raise UnsupportedImage(
            f"The DICOM file is of the kind '{sop_class.name}' and holds no image.",
            mend="Send the image files of the study.",
        )
    raise UnreadableImage(
        "The DICOM file holds no pixel data: it is truncated, or a header without an image."
    )


def _refuse_transfer_syntax(transfer_syntax: UID) -> None:
    if transfer_syntax in READ_TRANSFER_SYNTAXES:
        return
    if not transfer_syntax.keyword:
        raise UnsupportedImage("The DICOM file names an unknown transfer syntax.", mend=_UNCOMPRESSED)
    if any(name in transfer_syntax.name for name in _VIDEO_NAMES):
        raise UnsupportedImage(
            "The DICOM file holds a video, which is not read here.", mend="Send single frames."
        )
    raise UnsupportedImage(
        f"The DICOM file is in the transfer syntax '{transfer_syntax.name}', which is not read here.",
        mend=_UNCOMPRESSED,
    )


def _check_samples(header: ImageHeader) -> None:
    if header.bits_allocated > 16 or header.bits_stored > 16:
        raise UnsupportedImage(
            "The DICOM file stores more than 16 bits a sample, which is not read here.",
            mend="Export the image with 8 to 16 bits a sample.",
        )
    if header.bits_allocated not in (1, 8, 16) or not 1 <= header.bits_stored <= header.bits_allocated:
        raise UnreadableImage("The DICOM file declares an impossible number of bits a sample.")
    if header.photometric_interpretation not in _PHOTOMETRIC:
        raise UnsupportedImage(
            "The DICOM file names a photometric interpretation that is not read here.",
            mend="Export the image as MONOCHROME2 or RGB.",
        )
    gray = header.photometric_interpretation in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
    if header.samples_per_pixel != (1 if gray else 3):
        raise UnreadableImage(
            "The DICOM file declares a number of samples that its color space does not have."
        )


def _integer(dataset: FileDataset, keyword: str, *, default: int | None = None) -> int:
    value = dataset.get(keyword)
    if value is None or value == "":
        if default is None:
            raise UnreadableImage(f"The DICOM file lacks '{keyword}', which an image must have.")
        return default
    return int(value)
