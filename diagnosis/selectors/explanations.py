"""The maps of a finding: which are drawn, which can be asked for, and what each was measured to show."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from diagnosis.models import Explanation, ExplanationMethod, Finding
from diagnosis.selectors.blinding import with_answers_hidden
from diagnosis.selectors.sentences import in_readers_language
from mlcore.engine.explanation.methods import methods_for
from mlcore.engine.networks.registry import UnknownArchitecture, find_network
from mlcore.models import ModelVersion
from mlcore.selectors.explanation_figures import explanation_figures

NOT_MEASURED = _("How well this map points at what counts was not measured for this model.")
DESCRIPTIONS = {
    "class_activation_map": _("What each place of the last layer adds to the score."),
    "grad_cam_plus_plus": _("What the last features add, weighed by their gradients."),
    "occlusion": _("By how much the score falls when each place is covered. Takes seconds."),
    "layer_attribution": _("What each place adds to the finding, where layers of several depths agree."),
    "integrated_gradients": _("What each pixel adds on the way from a blurred image. Takes seconds."),
}
NAMES = dict(ExplanationMethod.choices)


@dataclass(frozen=True)
class MapView:
    """One way to show where a score is sensitive, and how far that way has come."""

    method: str
    explanation: Explanation | None
    measured: str

    @property
    def name(self) -> str:
        """Return the method as people call it."""
        return str(NAMES[self.method])

    @property
    def description(self) -> str:
        """Return what the method does, in a sentence."""
        return str(DESCRIPTIONS[self.method])

    @property
    def state(self) -> str:
        """Return the state of the drawing; empty where nobody has asked."""
        return self.explanation.state if self.explanation else ""

    @property
    def is_open(self) -> bool:
        """Tell whether the map is being drawn."""
        return self.explanation is not None and not self.explanation.is_final


def methods_of(version: ModelVersion) -> tuple[str, ...]:
    """Return the methods by which the model version can be explained."""
    try:
        offered = methods_for(find_network(version.architecture))
    except UnknownArchitecture:
        return ()
    return tuple(method for method in offered if method in ExplanationMethod.values)


def askable(finding: Finding) -> tuple[str, ...]:
    """Return what can be asked of the finding besides the map it has; nothing where there is no answer."""
    if not finding.saliency_key:
        return ()
    analysis = finding.analysis
    return tuple(m for m in methods_of(analysis.model_version) if m != analysis.saliency_method)


def measured(version: ModelVersion, method: str) -> str:
    """Return what the maps of that method were measured to show, in a sentence."""
    figures = explanation_figures(version).get(method)
    return in_readers_language(figures.sentence) if figures else str(NOT_MEASURED)


def maps_of(finding: Finding) -> list[MapView]:
    """Return the finding's maps, the one that came with the answer first; none where there is no answer."""
    if not finding.saliency_key:
        return []
    version = finding.analysis.model_version
    drawn = {explanation.method: explanation for explanation in finding.explanations.all()}
    own = finding.analysis.saliency_method
    return [
        MapView(method, drawn.get(method), measured(version, method))
        for method in (own, *askable(finding))
        if method in NAMES
    ]


def shown_explanations(user: User) -> "QuerySet[Explanation]":
    """Return the explanations the user may see, with what is shown of them and `answers_hidden`."""
    visible = Explanation.objects.visible_to(user).select_related(
        "finding__condition", "finding__analysis__model_version", "finding__analysis__instance__series__study"
    )
    return with_answers_hidden(visible, user=user, study="finding__analysis__instance__series__study")
