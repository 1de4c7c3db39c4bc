"""What every resource of DICOMweb has in common."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import Http404
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from accounts.api.base import GuardedView
from accounts.api.permissions import AuditorsOnlyRead
from accounts.models import Scope as TokenScope
from accounts.permissions import ScopePermission
from diagnosis.dicomweb.addresses import Addresses, addresses_of
from diagnosis.dicomweb.search import Scope, instances_in
from diagnosis.models import Instance


class OwnNegotiation(BaseContentNegotiation):
    """Leaves the Accept header to the view, which knows DICOM's media types."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """Return the first parser; none is ever asked to parse."""
        return next(iter(parsers))

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the renderer of problems."""
        return renderers[0], JSONRenderer.media_type


class DicomwebView(GuardedView):
    """Tokens, scopes and limits are those of the REST interface."""

    permission_classes = [ScopePermission, AuditorsOnlyRead]
    content_negotiation_class = OwnNegotiation
    write_scope = TokenScope.UPLOAD
    schema = None

    @property
    def addresses(self) -> Addresses:
        """Return the addresses as the caller reaches them."""
        return addresses_of(self.request)

    def visible_instances(self, **kwargs: Any) -> list[Instance]:
        """Return the instances that the address names; what the user may not see does not exist."""
        scope = Scope(study=kwargs["study"], series=kwargs.get("series", ""))
        found = instances_in(self.user, scope)
        if "instance" in kwargs:
            found = found.filter(sop_instance_uid=kwargs["instance"])[:1]
        instances = list(found)
        if not instances:
            raise Http404
        return instances

    def visible_instance(self, **kwargs: Any) -> Instance:
        """Return the one instance that the address names."""
        return self.visible_instances(**kwargs)[0]
