"""The words that stand on every result, whatever shows it."""

from django.utils.translation import gettext as _


def safety_words() -> list[str]:
    """Return them in the reader's language: of every result, of none, of a withheld one, of an overlay."""
    return [
        _(
            "Preliminary output of a model. Not for stand-alone clinical decisions. "
            "Does not rule out disease."
        ),
        _("No finding reached the operating point. This does not mean normal."),
        _("This image is too far from the images this model was validated on, so no result is shown."),
        _("Shows where the score is sensitive. Not an outline of disease."),
    ]
