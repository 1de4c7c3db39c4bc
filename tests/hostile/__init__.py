"""Files made to do harm, each with the verdict it must get.

`CORPUS` maps a name to a `Hostile`; its `verdict` is `CLEANED`, where nothing
but the pixels may come through, or the code of the refusal.
"""

from __future__ import annotations

from tests.hostile import dicom_streams, dicoms, jpegs, others, pngs, tiffs
from tests.hostile.verdicts import CLEANED, SECRET, Hostile, take_in

__all__ = ["CLEANED", "CORPUS", "SECRET", "Hostile", "take_in"]

CORPUS: dict[str, Hostile] = {
    hostile.name: hostile
    for module in (others, pngs, jpegs, tiffs, dicoms, dicom_streams)
    for hostile in module.FILES
}
