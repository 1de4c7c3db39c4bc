"""The attributes that outlive de-identification, and the values they may have.

Everything that is not named here is removed. No free text is named: text is
kept only where the standard, or a list here, enumerates what it may say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]

MAX_NUMBER = 1e6
"""Larger numbers in attributes that count or measure are taken for identifiers."""


def _terms(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODALITIES = _terms(
    "BI BMD CR CT DG DX ES GM IO IVOCT IVUS LS MG MR NM OCT OP OPT OT PT PX RF RG SC SM TG US XA XC"
)
BODY_PARTS = _terms(
    """
    ABDOMEN ABDOMENPELVIS ANKLE AORTA ARM BLADDER BONE BRAIN BREAST CALCANEUS CALF CAROTID CHEST
    CHESTABDOMEN CHESTABDPELVIS CLAVICLE COCCYX COLON CSPINE CTSPINE EAR ELBOW ESOPHAGUS EXTREMITY EYE
    FACE FEMUR FINGER FOOT FOREARM GALLBLADDER HAND HEAD HEADNECK HEART HIP HUMERUS JAW KIDNEY KNEE LEG
    LIVER LSPINE LSSPINE LUNG MANDIBLE MAXILLA MEDIASTINUM NECK ORBIT PANCREAS PATELLA PELVIS PROSTATE
    RADIUS RIB SCAPULA SHOULDER SINUS SKULL SPINE SPLEEN SSPINE STERNUM STOMACH TESTIS THIGH THUMB THYROID
    TIBIA TLSPINE TMJ TOE TSPINE ULNA UTERUS WHOLEBODY WRIST ZYGOMA
    """
)
VIEW_POSITIONS = _terms(
    """
    AP PA LL RL RLD LLD RLO LLO LAT LATERAL LATERO CC CCFB CV MLO ML LM LMO FB SIO ISO XCC XCCL XCCM
    LPO RPO LAO RAO
    """
)
IMAGE_TYPES = _terms(
    """
    ORIGINAL DERIVED PRIMARY SECONDARY AXIAL LOCALIZER PROJECTION OTHER SINGLE BIPLANE MIXED VOLUME
    REFORMATTED RESAMPLED AVERAGE MPR MIP NORM M P R I FFE SE IR DIS2D DIS3D T1 T2 ADC FA TRACEW ND
    NONE DIFFUSION PERFUSION MAGNITUDE PHASE REAL IMAGINARY VPCT BONE CT_SOM5 SPI FOR
    """
)
_INTERPRETATIONS = "MONOCHROME1|MONOCHROME2|PALETTE COLOR|RGB|YBR_FULL|YBR_FULL_422|YBR_ICT|YBR_RCT"
_COMPRESSIONS = "ISO_10918_1|ISO_14495_1|ISO_15444_1|ISO_15444_15"


def number(value: Any) -> bool:
    """Whether a value counts or measures something and is no identifier in disguise."""
    if isinstance(value, bytes):
        return False
    try:
        return math.isfinite(float(value)) and abs(float(value)) <= MAX_NUMBER
    except (TypeError, ValueError, OverflowError):
        return False


def binary(value: Any) -> bool:
    """Whether a value is a table of bytes or of numbers, as pixels and lookup tables are."""
    return isinstance(value, bytes | int)


def one_of(terms: frozenset[str]) -> Check:
    return lambda value: str(value) in terms


def like(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(str(value)) is not None


_NUMBERS = _terms("""
    Rows Columns SamplesPerPixel BitsAllocated BitsStored HighBit PixelRepresentation PlanarConfiguration
    NumberOfFrames PixelAspectRatio SmallestImagePixelValue LargestImagePixelValue PixelPaddingValue
    PixelPaddingRangeLimit WindowCenter WindowWidth RescaleSlope RescaleIntercept PixelSpacing
    ImagerPixelSpacing NominalScannedPixelSpacing SliceThickness SpacingBetweenSlices SliceLocation
    ImagePositionPatient ImageOrientationPatient SeriesNumber InstanceNumber AcquisitionNumber
    KVP Exposure ExposureTime ExposureInuAs XRayTubeCurrent DistanceSourceToDetector
    DistanceSourceToPatient EstimatedRadiographicMagnificationFactor RelativeXRayExposure Sensitivity
    ExposureIndex TargetExposureIndex DeviationIndex RepetitionTime EchoTime InversionTime FlipAngle
    EchoNumbers MagneticFieldStrength FrameTime LossyImageCompressionRatio PixelIntensityRelationshipSign
""")

_TABLES = [
    "PixelData",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    *(f"{color}PaletteColorLookupTableDescriptor" for color in ("Red", "Green", "Blue")),
    *(f"{color}PaletteColorLookupTableData" for color in ("Red", "Green", "Blue")),
    *(f"Segmented{color}PaletteColorLookupTableData" for color in ("Red", "Green", "Blue")),
]

_CODES: Mapping[str, Check] = {
    "Modality": one_of(MODALITIES),
    "BodyPartExamined": one_of(BODY_PARTS),
    "ViewPosition": one_of(VIEW_POSITIONS),
    "ImageType": one_of(IMAGE_TYPES),
    "Laterality": like("[RLUB]"),
    "ImageLaterality": like("[RLUB]"),
    "PatientOrientation": like("[LRAPHF]{1,3}"),
    "PatientPosition": like("(HF|FF)(P|S|DR|DL|V)"),
    "PatientSex": like("[MFO]"),
    "PhotometricInterpretation": like(_INTERPRETATIONS),
    "PresentationLUTShape": like("IDENTITY|INVERSE"),
    "PixelIntensityRelationship": like("LIN|LOG|DISP"),
    "RescaleType": like("HU|OD|US|MGML|Z_EFF|ED|EDW|HU_MOD|PCT"),
    "VOILUTFunction": like("LINEAR|LINEAR_EXACT|SIGMOID"),
    "LossyImageCompression": like("00|01"),
    "LossyImageCompressionMethod": like(_COMPRESSIONS),
    "ConversionType": like("DV|DI|DF|WSD|SD|SI|DRW|SYN"),
    "BurnedInAnnotation": like("YES|NO"),
    "RecognizableVisualFeatures": like("YES|NO"),
}

ATTRIBUTES: Mapping[str, Check] = {
    **dict.fromkeys(sorted(_NUMBERS), number),
    **dict.fromkeys(_TABLES, binary),
    **_CODES,
}
"""Keyword to what each value of it must be."""

SEQUENCES: Mapping[str, frozenset[str]] = {
    "ModalityLUTSequence": frozenset({"LUTDescriptor", "LUTData"}),
    "VOILUTSequence": frozenset({"LUTDescriptor", "LUTData"}),
    "PixelValueTransformationSequence": frozenset({"RescaleSlope", "RescaleIntercept", "RescaleType"}),
    "FrameVOILUTSequence": frozenset({"WindowCenter", "WindowWidth", "VOILUTFunction"}),
    "PixelMeasuresSequence": frozenset({"PixelSpacing", "SliceThickness", "SpacingBetweenSlices"}),
    "PlanePositionSequence": frozenset({"ImagePositionPatient"}),
    "PlaneOrientationSequence": frozenset({"ImageOrientationPatient"}),
}
"""Sequences whose items keep the attributes named, and nothing else."""

FUNCTIONAL_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
"""Sequences whose items keep the sequences above (PS3.3 C.7.6.16)."""

LUT_ATTRIBUTES: Mapping[str, Check] = {"LUTDescriptor": number, "LUTData": binary}
