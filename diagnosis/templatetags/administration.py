"""What the front page of the administration shows beside the list of models."""

from django import template

from diagnosis.selectors.health import Health, health

register = template.Library()


@register.simple_tag
def installation_health() -> Health:
    """Return how the installation does now."""
    return health()
