"""Every address of the site, and what its parameters stand for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

API_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PAGE_METHODS = ("GET", "POST")
ACTIONS = {
    "admin:accounts_apitoken_action": "revoke",
    "admin:accounts_user_action": "suspend",
    "admin:accounts_webhookdelivery_action": "redeliver",
    "admin:accounts_webhookendpoint_action": "disable",
    "admin:diagnosis_analysis_action": "retry",
    "admin:diagnosis_condition_action": "approve",
    "admin:diagnosis_erasure_action": "refuse_erasure",
    "admin:diagnosis_instance_action": "exclude",
    "admin:diagnosis_study_action": "share",
    "admin:mlcore_datasetitem_action": "exclude",
    "admin:mlcore_examinationtype_action": "adopt_change_plan",
    "admin:mlcore_modelversion_action": "reject",
    "admin:mlcore_trainingrun_action": "cancel",
}
"""For each administration page whose rows have actions, one of them."""
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")


@dataclass(frozen=True)
class View:
    """One pattern of the site."""

    name: str
    route: str
    is_api: bool
    methods: tuple[str, ...]

    def address(self, values: "Values") -> str:
        """Return the address at which the view answers about the one row there is."""
        if self.name == "api:unknown":
            return "/api/v1/none"
        text = GROUP.sub(lambda found: values.of(self.name, found[1]), self.route)
        text = PARAMETER.sub(lambda found: values.of(self.name, found[1]), text)
        return "/" + text.replace("^", "").replace("/?$", "").replace("$", "").replace("\\.", ".")


def views() -> list[View]:
    """Return every pattern of the site, each under a name of its own."""
    found: dict[str, View] = {}
    for name, route, callback in _walk(get_resolver(), "", ""):
        key = name or route
        key = key if key not in found else route
        is_api = hasattr(callback, "cls")
        spoken = getattr(callback, "methods_answered", API_METHODS if is_api else PAGE_METHODS)
        found[key] = View(key, route, is_api=is_api, methods=spoken)
    return list(found.values())


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[tuple[str, str, Any]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            name = f"{namespace}:{pattern.name}" if namespace and pattern.name else pattern.name or ""
            yield name, route, pattern.callback
        else:
            inner = ":".join(part for part in (namespace, pattern.namespace) if part)
            yield from _walk(pattern, route, inner)


@dataclass
class Values:
    """What the parameters of addresses stand for."""

    by_view: dict[str, str] = field(default_factory=dict)
    """By the start of a view's name: the key of its row."""
    by_parameter: dict[str, str] = field(default_factory=dict)

    def of(self, view: str, parameter: str) -> str:
        """Return a value for one parameter of one view."""
        if parameter == "name" and view in ACTIONS:
            return ACTIONS[view]
        if parameter in {"pk", "object_id"}:
            admin = re.match(r"admin:(\w+?)_(\w+)_(?:change|history|delete|action)$", view) or re.match(
                r"admin/(\w+)/(\w+)/<path:object_id>/", view
            )
            if admin:
                row = apps.get_model(admin[1], admin[2])._default_manager.first()
                return str(row.pk) if row else "0"
            known = [start for start in self.by_view if view.startswith(start)]
            if known:
                return self.by_view[max(known, key=len)]
        return self.by_parameter.get(parameter, "none")
