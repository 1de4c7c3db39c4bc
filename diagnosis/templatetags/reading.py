"""Numbers and words of a reading."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from diagnosis.models import FindingBox
from diagnosis.selectors.boxes import written_boxes
from diagnosis.selectors.explanations import MapView
from diagnosis.selectors.model_facts import Figure, figures_of
from diagnosis.selectors.sentences import in_readers_language, withheld_words
from mlcore.models import ModelVersion

register = template.Library()

QUICK_SECONDS = 120

ACTIONS: dict[str, str | Promise] = {
    "study.edit": gettext_lazy("changed the stored information"),
    "study.share": gettext_lazy("shared the study"),
    "study.assign": gettext_lazy("assigned the study"),
    "study.take_over": gettext_lazy("took the reading over"),
    "study.unshare": gettext_lazy("ended the sharing of the study"),
    "review.start": gettext_lazy("began a review"),
    "review.sign": gettext_lazy("signed a review"),
    "review.start_amendment": gettext_lazy("began an amendment"),
    "review.amend": gettext_lazy("signed an amendment"),
    "review.report": gettext_lazy("took the report out as a file"),
    "review.discard": gettext_lazy("discarded a draft"),
    "explanation.request": gettext_lazy("asked for a map"),
    "model_version.register": gettext_lazy("registered"),
    "model_version.activate": gettext_lazy("let it answer"),
    "model_version.roll_back": gettext_lazy("rolled back to it"),
    "model_version.reject": gettext_lazy("rejected it"),
    "model_version.measure": gettext_lazy("had it measured at the gate"),
}


register.filter(in_readers_language)
register.filter(withheld_words)


@register.filter
def any_open(maps: list[MapView]) -> bool:
    """Tell whether any of the maps is being drawn."""
    return any(view.is_open for view in maps)


@register.filter
def percent(value: float | str | None) -> str:
    """Return a share of one as a percentage for people; what is missing is None or empty."""
    if value is None or value == "":
        return "–"
    shown = 100 * float(value)
    if 0 < shown < 1:
        return _("below 1 %")
    if 99 < shown < 100:
        return _("above 99 %")
    return f"{number_format(round(shown))} %"


@register.filter
def bar(value: float | None) -> SafeString:
    """Return a share of one on a scale of 0 to 100, in the form that SVG attributes need."""
    share = min(1.0, max(0.0, float(value or 0.0)))
    return SafeString(f"{100 * share:.2f}")  # nosec B703


@register.filter
def interval(bounds: Any) -> str:
    """Return a confidence interval in percent, or nothing where none was measured."""
    if not isinstance(bounds, (list, tuple)) or len(bounds) != 2:
        return ""
    low, high = (number_format(round(100 * float(bound))) for bound in bounds)
    return f"({low}–{high})"


@register.filter
def distance(value: float) -> str:
    """Return a cosine distance with three decimals."""
    return number_format(value, decimal_pos=3)


@register.filter
def duration(seconds: float | str | None) -> str:
    """Return seconds as people say them; what is missing is None or empty."""
    if seconds is None or seconds == "":
        return "–"
    whole = round(float(seconds))
    if whole < 90:
        return _("%(n)d s") % {"n": whole}
    return _("%(n)d min") % {"n": round(whole / 60)}


@register.filter
def reading_time(minutes: float | str | None) -> str:
    """Return minutes as people say them, in seconds where it was quick; what is missing is None or empty."""
    if minutes is None or minutes == "":
        return "–"
    seconds = 60 * float(minutes)
    if seconds < QUICK_SECONDS:
        return _("%(n)d s") % {"n": round(seconds)}
    return _("%(n)s min") % {"n": number_format(float(minutes), 1)}


@register.filter
def measured(version: ModelVersion) -> list[Figure]:
    """Return the measured figures of a model version."""
    return figures_of(version)


@register.filter
def condition_words(code: str) -> str:
    """Return the code of a condition as a word."""
    return code.replace("_", " ").capitalize()


@register.filter
def action_words(action: str) -> str:
    """Return what an audit entry says was done."""
    return str(ACTIONS.get(action, action.replace(".", ": ").replace("_", " ")))


@register.filter
def boxes(found: Iterable[FindingBox]) -> str:
    """Return boxes as the page's script takes them."""
    return written_boxes(found)


MEASURES: dict[str, str | Promise] = {
    "brightness": gettext_lazy("Brightness"),
    "spread": gettext_lazy("Contrast"),
    "noise": gettext_lazy("Noise"),
    "sharpness": gettext_lazy("Sharpness"),
    "constant": gettext_lazy("Uniform area"),
    "out_of_distribution_distance": gettext_lazy("Distance from the training images"),
}


@register.filter
def measure_words(name: str) -> str:
    """Return what a measurement of the pixels is called."""
    return str(MEASURES.get(name, name.replace("_", " ")))
