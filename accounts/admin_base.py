"""Administration pages that show facts and change them by actions alone."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as said_by_django

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _Paginator = Paginator[Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _Paginator = Paginator


class RowActionsMixin(_ModelAdmin):
    """Actions made with `reason_action` stand in the list's menu and as buttons on the page of each row."""

    change_form_template = "admin/facts_change_form.html"

    def action_checkbox(self, obj: models.Model) -> SafeString:
        """Return the box that selects a row; Django renders a template for each, a sixth of a list's time."""
        label = format_html(said_by_django("Select this object for an action - {}"), str(obj))
        return format_html(
            '<input type="checkbox" name="{}" value="{}" aria-label="{}" class="action-select">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            label,
        )

    def get_urls(self) -> list[URLPattern]:
        """Add the address at which an action is done to one row."""
        view = self.admin_site.admin_view(self.action_view)
        return [path("<path:object_id>/act/<slug:name>/", view, name=self._action_url), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one row with a button for each action."""
        context = {"object_actions": self._object_actions(request, object_id), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Do one action to one row, by way of the page that asks for a reason."""
        row = self.get_object(request, unquote(object_id))
        chosen = self._reason_actions(request).get(name)
        if row is None or chosen is None:
            raise Http404
        response: HttpResponse | None = chosen(self, request, self.get_queryset(request).filter(pk=row.pk))
        if response is not None:
            return response
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", quote(row.pk))

    def _reason_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = [action for action in self.get_actions(request).values() if action]
        return {name: act for act, name, _ in actions if hasattr(act, "applies")}

    def _object_actions(self, request: HttpRequest, object_id: str) -> list[dict[str, str]]:
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return []
        return [
            {
                "label": action.short_description,
                "url": reverse(f"admin:{self._action_url}", args=[object_id, name]),
            }
            for name, action in self._reason_actions(request).items()
            if action.applies(row)
        ]

    @property
    def _action_url(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_action"


class FactsAdmin(RowActionsMixin):
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
        context = {
            "show_save": False,
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
        }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})


class CountlessPaginator(_Paginator):
    """Pages of a table too large to count: the count stops at `LIMIT`."""

    LIMIT = 10_000

    def page(self, number: Any) -> "Page[Any]":
        """Return one page; its rows are read by their keys.

        Otherwise what the columns work out and join is worked out for the rows of the
        pages before it too.
        """
        number = self.validate_number(number)
        rows: Any = self.object_list
        begin = (number - 1) * self.per_page
        keys = rows.values_list("pk", flat=True)[begin : min(begin + self.per_page, self.count)]
        return Page(rows.filter(pk__in=list(keys)), number, self)

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, or LIMIT where there are more."""
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: self.LIMIT].count())
