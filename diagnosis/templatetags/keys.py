"""The sheet of hot keys."""

from typing import Any

from django import template

from diagnosis.services.keys import GROUPS, bindings_of

register = template.Library()


@register.inclusion_tag("diagnosis/parts/keys.html", takes_context=True)
def key_sheet(context: dict[str, Any], page: str = "study") -> dict[str, Any]:
    """Show the keys that do something on a page, as the reader who looks at it has chosen them."""
    bindings = bindings_of(context["user"])
    groups = [
        (group.title, [bindings[action.code] for action in group.actions if page in action.pages])
        for group in GROUPS
    ]
    return {
        "groups": [(title, shown) for title, shown in groups if shown],
        "page": page,
        "csrf_token": context.get("csrf_token"),
    }
