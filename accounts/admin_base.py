"""Administration pages that show facts and change them by actions alone."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _Paginator = Paginator[Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _Paginator = Paginator


class FactsAdmin(_ModelAdmin):
    """Every field is read-only, nothing is added or deleted; what changes a row is an action."""

    show_full_result_count = False
    list_per_page = 50

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> list[Any]:
        """Return every field of the model beside those the page computes."""
        own = [field.name for field in self.opts.fields + self.opts.many_to_many]
        return [*self.readonly_fields, *(name for name in own if name not in self.readonly_fields)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: rows are made by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse: history is kept."""
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one row, without a button that would save it."""
        if request.method == "POST":
            raise PermissionDenied
        hidden = {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().change_view(request, object_id, form_url, {**hidden, **(extra_context or {})})


class CountlessPaginator(_Paginator):
    """Pages of a table too large to count: the count stops at `LIMIT`."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, or LIMIT where there are more."""
        rows: Any = self.object_list
        return int(rows.order_by()[: self.LIMIT].count())
