"""Images that are labeled by the folder they lie in, or by a table."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from diagnosis.management.folder import find_files

SEPARATOR = "|"
"""Between several labels of one image."""
LONGEST_GROUP = 200


class UnusableTable(Exception):
    """The table cannot be read; the message says why."""


@dataclass(frozen=True)
class LabeledFile:
    """One image with its labels, or the reason why it is not read."""

    name: str
    """The path below the folder, fit to be printed on one line."""
    path: Path | None
    labels: tuple[str, ...] = ()
    group: str = ""
    """What names the patient; empty where that is not known."""
    problem: str = ""


def read_folder(root: Path) -> Iterator[LabeledFile]:
    """Yield the files below `root`; the folder that a file lies in is its label."""
    for found in find_files(root):
        if found.path is None:
            yield LabeledFile(found.name, None, problem=found.problem)
        elif "/" not in found.name:
            yield LabeledFile(found.name, None, problem="refused: it lies in no folder that names its label.")
        else:
            yield LabeledFile(found.name, found.path, labels=(Path(found.name).parent.name,))


def read_table(table: Path, *, where: Mapping[str, str]) -> Iterator[LabeledFile]:
    """Yield the lines of a CSV file with the columns path and label, and group where patients are known.

    Paths are below the folder of the table. `where` keeps the lines whose columns have
    these values.

    Raises:
        UnusableTable: a column is missing, or the file is no CSV file in UTF-8.
    """
    root = table.parent.resolve()
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.DictReader(file)
            missing = {"path", "label", *where} - set(lines.fieldnames or ())
            if missing:
                raise UnusableTable(f"The table has no column {', '.join(sorted(missing))}.")
            for line in lines:
                if all(line[column] == value for column, value in where.items()):
                    yield _line(line, root=root)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnusableTable("The table is not a CSV file in UTF-8.") from error


def _line(line: Mapping[str, str | None], *, root: Path) -> LabeledFile:
    given = line["path"] or ""
    name = "".join(letter if letter.isprintable() else "?" for letter in given)
    labels = tuple(part.strip() for part in (line["label"] or "").split(SEPARATOR) if part.strip())
    group = (line.get("group") or "").strip()
    try:
        path = (root / given).resolve()
        is_file = path.is_file()
    except (OSError, ValueError, RuntimeError):
        return LabeledFile(name, None, problem="refused: the file cannot be read.")
    if not path.is_relative_to(root):
        return LabeledFile(name, None, problem="refused: the path leads out of the folder of the table.")
    if not is_file:
        return LabeledFile(name, None, problem="refused: there is no such file.")
    if not labels:
        return LabeledFile(name, None, problem="refused: the line gives no label.")
    if len(group) > LONGEST_GROUP:
        return LabeledFile(name, None, problem="refused: the group is longer than 200 characters.")
    return LabeledFile(name, path, labels=labels, group=group)
