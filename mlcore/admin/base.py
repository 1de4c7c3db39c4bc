"""What the administration pages of large tables and of editable rows share."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.text import capfirst

from accounts.admin_base import CountlessPaginator, FactsAdmin, RowActionsMixin
from accounts.models import AuditEntry
from accounts.services import audit
from medimaging.common.errors import ApplicationError
from mlcore.admin.calendar import periods
from mlcore.admin.columns import change_link

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline


class TableMixin(RowActionsMixin):
    """A list that never counts its table and may be narrowed by `link_lookups`.

    Only indexed columns are sortable, because sorting a large table by another
    one reads all of it.
    """

    paginator = CountlessPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 25
    """As on the worklist: however large the table is, what a page costs is drawing its rows."""
    sortable_by: ClassVar[tuple[str, ...]] = ()
    link_lookups: ClassVar[frozenset[str]] = frozenset()
    worked_out: ClassVar[Mapping[str, Any]] = {}
    """Annotations that the columns read."""
    left_out: ClassVar[tuple[str, ...]] = ()
    """Large fields that no page shows."""
    change_list_template = "admin/table_change_list.html"
    object_history_template = "admin/audit_history.html"

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        """Return the rows with what the columns say of each, worked out for the rows of one page."""
        rows: models.QuerySet[Any] = super().get_queryset(request).annotate(**self.worked_out)
        return rows.defer(*self.left_out)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Let the links between lists through, beside what the filters allow."""
        return lookup in self.link_lookups or super().lookup_allowed(lookup, value, request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under its own name: most of what it lists is not to be changed."""
        title = {"title": capfirst(str(self.opts.verbose_name_plural))}
        answer = super().changelist_view(request, {**title, **(extra_context or {})})
        if (
            self.date_hierarchy
            and isinstance(answer, TemplateResponse)
            and "cl" in (answer.context_data or {})
        ):
            context: dict[str, Any] = answer.context_data  # type: ignore[assignment]
            context["longer_period"], context["periods"] = periods(context["cl"])
        return answer

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the row under the name of what it is."""
        title = {"title": capfirst(str(self.opts.verbose_name))}
        return super().change_view(request, object_id, form_url, {**title, **(extra_context or {})})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the row's entries of the audit trail in place of Django's own log."""
        entries = AuditEntry.objects.filter(target_type=self.opts.label_lower, target_id=object_id)
        context = {
            "title": "Audit trail",
            "entries": entries.select_related("actor")[:200],
            **(extra_context or {}),
        }
        return super().history_view(request, object_id, context)


class TableAdmin(TableMixin, FactsAdmin):
    """Facts of a table that may hold millions of rows."""


class FactsInline(_TabularInline):
    """Rows of another table, to look at."""

    extra = 0
    can_delete = False
    shown: ClassVar[tuple[str, ...]] = ()
    """The columns, beside the link to the page of the row."""

    @admin.display(description="")
    def page(self, row: models.Model) -> str:
        """Return a link to the page of the row."""
        return change_link(row, text="View")

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> list[Any]:
        """Return the columns and the link."""
        return [*self.shown, "page"]

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> list[Any]:
        """Return everything that is shown."""
        return [*self.shown, "page"]

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse: rows are made by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse: facts are not edited."""
        return False


class RefusalMixin(_ModelAdmin):
    """Shows what a service refuses as a message, on the page it was asked for."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form; where a service refuses, nothing was changed."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ApplicationError as error:
            self.message_user(request, str(error), "error")
            return HttpResponseRedirect(request.get_full_path())


class AuditedAdmin(TableMixin):
    """Rows that are added, edited and deleted here, each time with an entry in the audit trail.

    What has a history cannot be deleted: a row that a protected relation points
    to is kept, and the page says which.
    """

    delete_confirmation_template = "admin/audited_delete.html"
    delete_selected_confirmation_template = "admin/audited_delete_selected.html"
    keep_instead: ClassVar[str] = ""
    """What to do with a row that cannot be deleted."""

    def save_model(
        self, request: HttpRequest, obj: models.Model, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Write the row and, in the same transaction, who changed what."""
        before = {name: form.initial.get(name) for name in form.changed_data} if change else {}
        super().save_model(request, obj, form, change)
        after = {name: _plain(form.cleaned_data.get(name)) for name in form.changed_data}
        self._record("change" if change else "create", request, obj, {"before": before, "after": after})

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        """Delete the row and keep what it said in the audit trail."""
        self.delete_queryset(request, type(obj)._default_manager.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: "models.QuerySet[Any]") -> None:
        """Delete each row and keep what it said in the audit trail."""
        with transaction.atomic():
            for row in queryset:
                said = {field.name: _plain(getattr(row, field.name)) for field in row._meta.fields}
                self._record("delete", request, row, {"before": said})
                row.delete()

    def get_deleted_objects(
        self, objs: Iterable[models.Model], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Return what would go and what forbids it, without reading the history row by row."""
        rows = list(objs)
        protected = [f"{row} {kinds}. {self.keep_instead}" for row in rows if (kinds := _history_of(row))]
        return [str(row) for row in rows], {str(self.opts.verbose_name_plural): len(rows)}, set(), protected

    def _record(self, act: str, request: HttpRequest, row: models.Model, details: dict[str, Any]) -> None:
        kind = str(self.opts.verbose_name).replace(" ", "_")
        audit.record(f"{kind}.{act}", by=request.user, target=row, details=details)  # type: ignore[arg-type]


def _history_of(row: models.Model) -> str:
    """Say which kinds of rows point to `row` and keep it from being deleted; nothing if there are none."""
    kinds = [
        str(relation.related_model._meta.verbose_name_plural)
        for relation in row._meta.related_objects
        if getattr(relation, "on_delete", None) is models.PROTECT
        and relation.related_model._base_manager.filter(**{relation.field.name: row.pk}).exists()
    ]
    return f"has {', '.join(kinds)}" if kinds else ""


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, models.Model) else value
