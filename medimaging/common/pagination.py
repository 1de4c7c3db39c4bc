"""Pages of the REST interface."""

import contextlib
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import pagination
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from medimaging.common.problems import InvalidCursor

LARGEST_OFFSET = 1000


class CursorPagination(pagination.CursorPagination):
    """Pages that stay right while rows are added, and never count."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    offset_cutoff = LARGEST_OFFSET
    ordering = "-created_at"
    page_size_query_description = "How many to a page, 200 at most."

    def get_ordering(self, request: Any, queryset: Any, view: Any) -> tuple[str, ...]:
        """Return the view's `cursor_ordering`, or the newest first."""
        ordering = getattr(view, "cursor_ordering", None) or (self.ordering, "id")
        return tuple(ordering)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Return one page; a cursor that somebody made up is refused, not believed."""
        try:
            return super().paginate_queryset(queryset, request, view=view)
        except (NotFound, ValidationError, ValueError, OverflowError) as error:
            raise InvalidCursor from error

    def get_page_size(self, request: Request) -> int:
        """Return the page size asked for, within bounds."""
        asked = request.query_params.get(self.page_size_query_param, "")
        with contextlib.suppress(ValueError):
            return min(max(int(asked), 1), self.max_page_size)
        return self.page_size
