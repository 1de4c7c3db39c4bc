"""The site's own templates."""

from pathlib import Path

from django.conf import settings
from django.template.loader import get_template


def compile_templates() -> None:
    """Compile every template now; Django keeps them."""
    for folder in map(Path, settings.TEMPLATES[0]["DIRS"]):
        for path in folder.rglob("*.html"):
            get_template(str(path.relative_to(folder)))
