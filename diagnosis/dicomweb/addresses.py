"""Where the resources of DICOMweb are, as a client is told."""

from dataclasses import dataclass

from django.urls import reverse
from rest_framework.request import Request

from diagnosis.models import Instance, Series


@dataclass(frozen=True)
class Addresses:
    """Addresses below the root of the service."""

    root: str

    def study(self, study_uid: str) -> str:
        """Return the address of a study."""
        return f"{self.root}/studies/{study_uid}"

    def series(self, series: Series) -> str:
        """Return the address of a series."""
        return f"{self.study(series.study.study_instance_uid)}/series/{series.series_instance_uid}"

    def instance(self, instance: Instance) -> str:
        """Return the address of an instance."""
        return f"{self.series(instance.series)}/instances/{instance.sop_instance_uid}"


def addresses_of(request: Request) -> Addresses:
    """Return the addresses as the caller reaches them."""
    return Addresses(root=request.build_absolute_uri(reverse("dicomweb:studies")).rsplit("/", 1)[0])
