"""The sheet of hot keys."""

from typing import Any

from django import template

from diagnosis.services.keys import GROUPS, bindings_of

register = template.Library()


@register.inclusion_tag("diagnosis/parts/keys.html", takes_context=True)
def key_sheet(context: dict[str, Any]) -> dict[str, Any]:
    """Show the keys of the reader who looks at the page."""
    bindings = bindings_of(context["user"])
    groups = [(group.title, [bindings[action.code] for action in group.actions]) for group in GROUPS]
    return {"groups": groups, "csrf_token": context.get("csrf_token")}
