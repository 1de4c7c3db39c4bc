"""The files of a folder, in a stable order, and which of them may be read."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath


@dataclass(frozen=True)
class FoundFile:
    """One entry of a folder: a path to read, or the reason why it is not read."""

    name: str
    """The path below the folder, fit to be printed on one line."""
    path: Path | None
    problem: str = ""
    is_error: bool = False
    """Whether the problem is one that somebody has to mend."""


def find_files(root: Path, *, pattern: str = "*") -> Iterator[FoundFile]:
    """Yield the files below `root` that match `pattern`, folder by folder in the order of their names.

    Links to folders are not followed, and links to files only where they stay below `root`.
    """
    root = root.resolve(strict=True)
    unreadable: list[str] = []
    for folder, below, names in os.walk(root, onerror=lambda error: unreadable.append(str(error.filename))):
        below.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if PurePath(path.relative_to(root)).match(pattern):
                yield _look_at(path, root=root)
        yield from (
            FoundFile(_printable(Path(folder, name), root), None, "skipped: a link to a folder.")
            for name in below
            if Path(folder, name).is_symlink()
        )
    for name in unreadable:
        yield FoundFile(_printable(Path(name), root), None, "rejected: the folder cannot be read.", True)


def read_at_most(path: Path, *, limit: int) -> bytes:
    """Return the content, or its first `limit` + 1 bytes: enough to tell that the file is too large."""
    with path.open("rb") as file:
        return file.read(limit + 1)


def _look_at(path: Path, *, root: Path) -> FoundFile:
    name = _printable(path, root)
    try:
        target = path.resolve(strict=True)
        mode = target.stat().st_mode
    except (OSError, RuntimeError):
        return FoundFile(name, None, "rejected: the file cannot be read.", True)
    if not target.is_relative_to(root):
        return FoundFile(name, None, "skipped: a link that leads out of the folder.")
    if not stat.S_ISREG(mode):
        return FoundFile(name, None, "skipped: not a regular file.")
    return FoundFile(name, target)


def _printable(path: Path, root: Path) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in str(path.relative_to(root)))
