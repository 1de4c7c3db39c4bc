"""Pages of studies in the order in which the next training would gain most from their labels."""

import contextlib
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor
from rest_framework.request import Request

from accounts.api.base import caller
from diagnosis.selectors.informative import keys_in_order
from medimaging.common.pagination import CursorPagination
from medimaging.common.problems import InvalidCursor

LAST_BEGIN = 100_000
"""Nobody turns further, and every page on the way there costs more than the one before."""


class StudyPagination(CursorPagination):
    """The newest first, or the most informative.

    That order is made anew for each page out of what is unread then, so its cursor says
    how many came before. What is signed meanwhile moves the rest up: whoever labels
    what a page shows asks for the first page again.
    """

    begin: int | None = None
    """How many most informative studies come before this page; None: it is in the order of time."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Return the rows of one page."""
        if request.query_params.get("order") != "informative":
            return super().paginate_queryset(queryset, request, view=view)
        self.base_url = request.build_absolute_uri()
        self.size = self.get_page_size(request)
        self.begin = self._begin(request)
        end = self.begin + self.size + 1
        keys = keys_in_order(queryset, user=caller(request), begin=self.begin, end=end)
        self.has_more = len(keys) > self.size
        rows = {study.pk: study for study in queryset.filter(pk__in=keys[: self.size])}
        return [rows[key] for key in keys[: self.size] if key in rows]

    def get_next_link(self) -> str | None:
        """Return the address of the page after this one."""
        if self.begin is None:
            return super().get_next_link()
        return self._link(self.begin + self.size) if self.has_more else None

    def get_previous_link(self) -> str | None:
        """Return the address of the page before this one."""
        if self.begin is None:
            return super().get_previous_link()
        return self._link(max(0, self.begin - self.size)) if self.begin else None

    def _begin(self, request: Request) -> int:
        with contextlib.suppress(NotFound, TypeError, ValueError):
            cursor = self.decode_cursor(request)
            begin = int(str(cursor.position)) if cursor else 0
            if 0 <= begin <= LAST_BEGIN:
                return begin
        raise InvalidCursor

    def _link(self, begin: int) -> str:
        return self.encode_cursor(Cursor(offset=0, reverse=False, position=begin))
