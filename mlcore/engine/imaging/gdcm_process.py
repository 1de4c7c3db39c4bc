"""Decode one JPEG frame with GDCM in a process of its own, run as a script.

GDCM ends the whole process when a damaged frame makes it throw where nobody
catches. Arguments: see `arguments`. The frame comes on standard input, its
samples leave on standard output.
"""

from __future__ import annotations

import resource
import sys

import gdcm

MEMORY_BYTES = 4 * 1024**3
CPU_SECONDS = 30


def main(arguments: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    transfer_syntax, photometric, *numbers = arguments
    sys.stdout.buffer.write(
        _decode(
            sys.stdin.buffer.read(),
            transfer_syntax=transfer_syntax,
            photometric=photometric,
            numbers=[int(number) for number in numbers],
        )
    )


def _decode(frame: bytes, *, transfer_syntax: str, photometric: str, numbers: list[int]) -> bytes:
    columns, rows, samples, bits_allocated, bits_stored, signed, planar = numbers
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(_pixel_data(frame))
    interpretation = gdcm.PhotometricInterpretation.GetPIType(photometric)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(interpretation))
    if samples > 1:
        image.SetPlanarConfiguration(planar)
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(transfer_syntax)))
    image.SetPixelFormat(gdcm.PixelFormat(samples, bits_allocated, bits_stored, bits_stored - 1, signed))
    # The binding gives the bytes as text, undecodable ones as surrogates.
    decoded: bytes = image.GetBuffer().encode("utf-8", "surrogateescape")
    return decoded


def _pixel_data(frame: bytes) -> gdcm.DataElement:
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    return element


if __name__ == "__main__":
    main(sys.argv[1:])
