"""Errors of the engine, each fit to be read by the person who caused it."""


class EngineError(Exception):
    """Base of every error the engine raises on purpose.

    `code` is stable and machine-readable, `message` says what is wrong in one
    sentence, `mend` says in one sentence what to do about it. None of the three
    ever holds a value taken from the file, which may identify a patient.
    """

    code = "engine_error"
    mend = ""

    def __init__(self, message: str, *, mend: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend or self.mend
        self.code = code or self.code

    def __str__(self) -> str:
        return f"{self.message} {self.mend}".strip()


class ImageError(EngineError):
    """Base of what can be wrong with an image somebody handed in."""

    code = "unreadable_image"


class EmptyFile(ImageError):
    """The file holds no bytes."""

    code = "empty_file"
    mend = "Check that the transfer was complete and send the file again."


class UnknownFormat(ImageError):
    """The first bytes are not those of a format that is read here."""

    code = "unknown_format"
    mend = "Send a PNG, JPEG, TIFF or DICOM file."


class UnreadableImage(ImageError):
    """The file is truncated or damaged."""

    code = "unreadable_image"
    mend = "Export the image again from its source and send the new file."


class UnsupportedImage(ImageError):
    """The file is sound, but of a kind that is not read here."""

    code = "unsupported_image"


class ImageTooLarge(ImageError):
    """A limit on bytes, pixels or frames, checked before decoding."""

    code = "image_too_large"


class ArtifactError(EngineError):
    """A model artifact is missing, damaged, or not the registered one."""

    code = "artifact_error"
    mend = "Register the artifact again from a trusted copy."
