"""Pages of the REST interface."""

from typing import Any

from rest_framework import pagination


class CursorPagination(pagination.CursorPagination):
    """Pages that stay right while rows are added, and never count."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = "-created_at"

    def get_ordering(self, request: Any, queryset: Any, view: Any) -> tuple[str, ...]:
        """Return the view's `cursor_ordering`, or the newest first."""
        ordering = getattr(view, "cursor_ordering", None) or (self.ordering, "id")
        return tuple(ordering)
