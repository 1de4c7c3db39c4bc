"""Actions of the administration pages that ask for a reason before they act.

    suspend = reason_action(
        "suspend", label="Suspend", consequence="Their sessions end at once.", perform=users.suspend_user
    )

    class UserAdmin(FactsAdmin):
        actions = [suspend]

The first request shows what was selected and asks for the reason; the second
calls `perform(row, by=..., reason=..., **answers)` for each row, in a
transaction of its own, so that one refusal does not undo the others.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from medimaging.common.errors import ApplicationError

MAX_ROWS = 200
"""How many rows one action may touch: each is asked for by name on the page that confirms it."""


class ReasonForm(forms.Form):
    """What a confirmation asks for; subclass it to ask for more."""

    reason = forms.CharField(
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60, "class": "vLargeTextField"}),
        help_text="Kept in the audit trail with your name.",
    )


Action = Callable[["admin.ModelAdmin[Any]", HttpRequest, "models.QuerySet[Any]"], HttpResponse | None]


def reason_action(
    name: str,
    *,
    label: str,
    consequence: str,
    perform: Callable[..., Any],
    form_class: type[ReasonForm] = ReasonForm,
    permissions: Iterable[str] = ("change",),
    applies: Callable[[Any], bool] = lambda row: True,
) -> Action:
    """Return an admin action called `name` that confirms, asks for a reason, then calls `perform`.

    `label` is what the menu and the button say, `consequence` one sentence on what
    will happen. The fields of `form_class` beside `reason` are passed by name.
    Where `applies` says no, the page of that row has no button; `perform` still decides.
    """

    def action(
        model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, queryset: "models.QuerySet[Any]"
    ) -> HttpResponse | None:
        rows = list(queryset.order_by("pk")[: MAX_ROWS + 1])
        if len(rows) > MAX_ROWS:
            model_admin.message_user(
                request, f"Choose at most {MAX_ROWS} at once; nothing was changed.", messages.ERROR
            )
            return None
        confirmed = "confirm" in request.POST
        form = form_class(request.POST) if confirmed else form_class()
        if not (confirmed and form.is_valid()):
            return _ask(model_admin, request, rows=rows, form=form, name=name, label=label, why=consequence)
        _perform_all(model_admin, request, rows=rows, perform=perform, answers=form.cleaned_data, label=label)
        return None

    action.__name__ = name
    action.applies = applies  # type: ignore[attr-defined]
    admin.action(permissions=list(permissions), description=label)(action)
    return action


def _ask(
    model_admin: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    *,
    rows: list[Any],
    form: ReasonForm,
    name: str,
    label: str,
    why: str,
) -> TemplateResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": label,
        "opts": model_admin.model._meta,
        "rows": rows,
        "form": form,
        "action": name,
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "consequence": why,
        "media": model_admin.media + form.media,
    }
    return TemplateResponse(request, "admin/reason_action.html", context)


def _perform_all(
    model_admin: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    *,
    rows: list[Any],
    perform: Callable[..., Any],
    answers: dict[str, Any],
    label: str,
) -> None:
    done = 0
    for row in rows:
        try:
            with transaction.atomic():
                perform(row, by=request.user, **answers)
        except ApplicationError as error:
            model_admin.message_user(request, f"{row}: {error}", messages.ERROR)
        else:
            done += 1
    if done:
        model_admin.message_user(request, f"{label}: done for {done} of {len(rows)}.", messages.SUCCESS)
