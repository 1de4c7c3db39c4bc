"""Tables as files: CSV that no spreadsheet takes for formulas, and JSON lines."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet program takes for the beginning of a formula, wide forms too (OWASP, CSV injection)."""

Row = Mapping[str, Any]


def guarded(value: Any) -> Any:
    """Return `value` so that a spreadsheet shows it and computes nothing."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def write_csv(rows: Iterable[Row], target: IO[str], *, on_row: Callable[[], None] = lambda: None) -> int:
    """Write the rows under the names of the first one; return how many there were."""
    writer = csv.writer(target, lineterminator="\r\n")
    count = 0
    for row in rows:
        if count == 0:
            writer.writerow(row)
        writer.writerow([guarded(value) for value in row.values()])
        count += 1
        on_row()
    return count


def write_json_lines(
    rows: Iterable[Row], target: IO[str], *, on_row: Callable[[], None] = lambda: None
) -> int:
    """Write each row as one JSON object; return how many there were."""
    count = 0
    for row in rows:
        target.write(json.dumps(dict(row), cls=DjangoJSONEncoder) + "\n")
        count += 1
        on_row()
    return count
