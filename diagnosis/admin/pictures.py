"""Small pictures on administration pages, by way of the site's own image address."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from diagnosis.models import Instance

PREVIEW_SIDE = 480
ICON_SIDE = 64


def picture(instance: Instance, *, max_side: int) -> str:
    """Return the image, no larger than `max_side`; the browser loads it when it comes into view."""
    scale = min(1.0, max_side / max(instance.columns, instance.rows, 1))
    return format_html(
        '<img src="{}?max_side={}" width="{}" height="{}" loading="lazy" alt="Stored image">',
        reverse("diagnosis:instance-image", args=[instance.pk]),
        max_side,
        max(1, round(instance.columns * scale)),
        max(1, round(instance.rows * scale)),
    )


class PictureMixin:
    """Columns that show an instance."""

    @admin.display(description="Image")
    def icon(self, row: Instance) -> str:
        """Return a picture for a list."""
        return picture(row, max_side=ICON_SIDE)

    @admin.display(description="Preview")
    def preview(self, row: Instance) -> str:
        """Return a picture for the page of the instance."""
        return picture(row, max_side=PREVIEW_SIDE)
