"""The hot keys of the readers' pages, and each reader's own choice of them."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.services.profile import store_key_bindings
from medimaging.common.errors import ApplicationError

BOTH = frozenset({"study", "worklist"})
FIXED_KEYS = frozenset({*"123456789", "?", "/"})
"""Keys that always do the same: choose a finding, show the sheet, search."""
NAMED_KEYS = frozenset({"Insert", "Delete", "Home", "End", "PageUp", "PageDown", "Backspace"})


class KeyRefused(ApplicationError):
    """A key cannot be bound as asked."""

    code = "key_refused"


@dataclass(frozen=True)
class KeyAction:
    """Something that a key does."""

    code: str
    label: str | Promise
    default: str
    pages: frozenset[str] = frozenset({"study"})
    """Where it does something; one key may do two things on two pages."""


@dataclass(frozen=True)
class Binding:
    """An action with the key that one reader has for it, as `KeyboardEvent.key` names it."""

    action: KeyAction
    key: str

    @property
    def shown(self) -> str:
        """Return the key as people name it."""
        return _("Space") if self.key == " " else self.key.upper() if len(self.key) == 1 else self.key


@dataclass(frozen=True)
class KeyGroup:
    """Keys that belong together."""

    title: str | Promise
    actions: tuple[KeyAction, ...]


GROUPS = (
    KeyGroup(
        gettext_lazy("List"),
        (
            KeyAction("next", gettext_lazy("Next study"), "j", BOTH),
            KeyAction("previous", gettext_lazy("Previous study"), "k", BOTH),
            KeyAction("pick", gettext_lazy("Choose the study, to assign it"), "x", frozenset({"worklist"})),
        ),
    ),
    KeyGroup(
        gettext_lazy("Reading"),
        (
            KeyAction("present", gettext_lazy("Present"), "y"),
            KeyAction("absent", gettext_lazy("Absent"), "n"),
            KeyAction("uncertain", gettext_lazy("Uncertain"), "u"),
            KeyAction("add-finding", gettext_lazy("Add a finding"), "f"),
            KeyAction("comment", gettext_lazy("Write a remark"), "c"),
            KeyAction("consent", gettext_lazy("May be used for training, yes or no"), "t"),
            KeyAction("edit", gettext_lazy("Edit the stored information"), "e"),
            KeyAction("model", gettext_lazy("Facts about the model"), "d"),
            KeyAction("prior", gettext_lazy("Prior study beside"), "p"),
            KeyAction("similar", gettext_lazy("Similar image beside"), "s"),
            KeyAction("link", gettext_lazy("Link the zoom of both images"), "q"),
        ),
    ),
    KeyGroup(
        gettext_lazy("Image"),
        (
            KeyAction("overlay", gettext_lazy("Overlay on and off"), "a"),
            KeyAction("overlay-less", gettext_lazy("Less overlay"), "["),
            KeyAction("overlay-more", gettext_lazy("More overlay"), "]"),
            KeyAction("method", gettext_lazy("Next method of the overlay"), "o"),
            KeyAction("preset", gettext_lazy("Next window"), "w"),
            KeyAction("invert", gettext_lazy("Invert"), "i"),
            KeyAction("tool-zoom", gettext_lazy("Zoom by dragging"), "z"),
            KeyAction("zoom-in", gettext_lazy("Zoom in"), "+"),
            KeyAction("zoom-out", gettext_lazy("Zoom out"), "-"),
            KeyAction("fit", gettext_lazy("Fit"), "="),
            KeyAction("turn-right", gettext_lazy("Turn right"), "r"),
            KeyAction("turn-left", gettext_lazy("Turn left"), "l"),
            KeyAction("mirror-x", gettext_lazy("Mirror left and right"), "h"),
            KeyAction("mirror-y", gettext_lazy("Mirror top and bottom"), "v"),
            KeyAction("magnify", gettext_lazy("Magnifier"), "g"),
            KeyAction("tool-length", gettext_lazy("Measure a length"), "m"),
            KeyAction("tool-box", gettext_lazy("Draw a box for the chosen finding"), "b"),
            KeyAction("undo", gettext_lazy("Remove the last length or box"), "Backspace"),
            KeyAction("frame-next", gettext_lazy("Next frame"), "PageDown"),
            KeyAction("frame-previous", gettext_lazy("Previous frame"), "PageUp"),
            KeyAction("reset", gettext_lazy("Reset the image"), " "),
        ),
    ),
)
ACTIONS = {action.code: action for group in GROUPS for action in group.actions}


def bindings_of(user: User) -> dict[str, Binding]:
    """Return the reader's key for every action; what was never chosen has its first key."""
    chosen = user.key_bindings
    return {code: Binding(action, chosen.get(code, action.default)) for code, action in ACTIONS.items()}


def rebind_key(user: User, *, by: User, action: str, key: str) -> Binding:
    """Give an action another key.

    Raises:
        KeyRefused: the key is taken, fixed or no single key; the sentence says by what.
    """
    if action not in ACTIONS:
        raise KeyRefused(_("This action does not exist."), mend=_("Reload the page and try again."))
    wanted = key.lower() if len(key) == 1 else key
    _require_free(wanted, action=action, bindings=bindings_of(user))
    chosen = {**user.key_bindings, action: wanted}
    if wanted == ACTIONS[action].default:
        del chosen[action]
    store_key_bindings(user, by=by, bindings=chosen)
    return Binding(ACTIONS[action], wanted)


def reset_keys(user: User, *, by: User) -> None:
    """Give every action its first key again."""
    store_key_bindings(user, by=by, bindings={})


def _require_free(key: str, *, action: str, bindings: dict[str, Binding]) -> None:
    mend = _("Choose another key.")
    if key in FIXED_KEYS:
        raise KeyRefused(_("This key always does the same and cannot be given away."), mend=mend)
    printable = len(key) == 1 and key.isprintable()
    if not printable and key not in NAMED_KEYS:
        raise KeyRefused(_("This key cannot be used."), mend=_("Choose a letter, a digit or a sign."))
    for code, binding in bindings.items():
        shared = binding.action.pages & ACTIONS[action].pages
        if code != action and binding.key == key and shared:
            taken = _("This key is taken by “%(action)s”.") % {"action": binding.action.label}
            raise KeyRefused(taken, mend=_("Give that action another key first, or choose a free one."))
