"""Forms of the readers' pages: they check shapes, services decide."""

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Scope, User
from diagnosis.models import AnalysisState, Condition, Sex, Study
from diagnosis.selectors.worklist_search import SORTS, Criteria
from mlcore.engine.networks.registry import architectures
from mlcore.models import ExaminationType, TrainingKind

MOST_QUERY = 1000
TOKEN_DAYS = ((30, _("30 days")), (90, _("90 days")), (365, _("One year")))


class WorklistForm(forms.Form):
    """The filters of the worklist, kept in the address."""

    q = forms.CharField(required=False, max_length=100, label=_("Search"))
    examination_type = forms.ModelChoiceField(
        ExaminationType.objects.all(), required=False, label=_("Examination"), empty_label=_("Any")
    )
    state = forms.ChoiceField(
        required=False, choices=[("", _("Any")), *AnalysisState.choices], label=_("Analysis")
    )
    condition = forms.ModelChoiceField(
        Condition.objects.none(), required=False, label=_("Suggested"), empty_label=_("Any")
    )
    signed = forms.ChoiceField(
        required=False,
        choices=[("", _("Any")), ("no", _("Not signed")), ("yes", _("Signed"))],
        label=_("Reading"),
    )
    received_from = forms.DateField(
        required=False, label=_("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    received_to = forms.DateField(
        required=False, label=_("To"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    sort = forms.ChoiceField(required=False, choices=[(key, key) for key in SORTS])

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        condition = self.fields["condition"]
        if isinstance(condition, forms.ModelChoiceField):
            condition.queryset = Condition.objects.selectable_by(user)

    def criteria(self) -> Criteria:
        """Return what was asked for; a filter that makes no sense is left out and shown as an error."""
        self.is_valid()
        values = {name: value for name, value in self.cleaned_data.items() if value}
        return Criteria(**values)


class AssignForm(forms.Form):
    """Which studies a reader is asked to read."""

    studies = forms.ModelMultipleChoiceField(
        Study.objects.none(), error_messages={"required": _("Choose at least one study first.")}
    )
    reader = forms.ModelChoiceField(
        User.objects.none(), error_messages={"required": _("Choose who is to read them.")}
    )

    def __init__(
        self, *args: Any, studies: "QuerySet[Study]", readers: "QuerySet[User]", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (("studies", studies), ("reader", readers)):
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = choices

    def complaint(self) -> str:
        """Return what is wrong, as one sentence after the other."""
        return " ".join(str(message) for messages in self.errors.values() for message in messages)


class SavedFilterForm(forms.Form):
    """A name for the filters of an address."""

    name = forms.CharField(max_length=60, error_messages={"required": _("Give the filter a name.")})
    query = forms.CharField(required=False, max_length=MOST_QUERY)


class UploadForm(forms.Form):
    """What is said about the files beside the files."""

    examination_type = forms.ModelChoiceField(
        ExaminationType.objects.all(),
        required=False,
        label=_("Examination type"),
        empty_label=_("Choose the examination type"),
    )
    patient_identifier = forms.CharField(
        required=False,
        max_length=64,
        strip=True,
        label=_("Patient identifier (optional)"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "Joins images of one patient. It is stored only as a pseudonym, made of it with a secret key. "
            "DICOM files bring their own; it is replaced in the same way."
        ),
    )


class InformationForm(forms.Form):
    """The stored information of a study, and why it is changed."""

    description = forms.CharField(required=False, max_length=200, label=_("Description"))
    patient_age_years = forms.IntegerField(
        required=False, min_value=0, max_value=120, label=_("Age in years")
    )
    patient_sex = forms.ChoiceField(
        required=False, choices=[("", _("Not known")), *Sex.choices], label=_("Sex")
    )
    reason = forms.CharField(max_length=500, label=_("Reason for the change"))
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def changes(self) -> dict[str, Any]:
        """Return the new values by the names that the service knows."""
        return {name: self.cleaned_data[name] for name in ("description", "patient_age_years", "patient_sex")}


class ReviewForm(forms.Form):
    """A draft's own fields; verdicts are read beside it, one field a condition."""

    comment = forms.CharField(
        required=False,
        max_length=5000,
        label=_("Comment"),
        widget=forms.Textarea(attrs={"rows": 3, "id": "review-comment", "hx-preserve": "true"}),
    )
    training_consent = forms.BooleanField(
        required=False, label=_("This study may be used to train and test models")
    )
    revision = forms.IntegerField(required=False)
    others_seen = forms.IntegerField(required=False)
    new_condition = forms.CharField(required=False, max_length=120)
    add_condition = forms.UUIDField(required=False)


class ProfileForm(forms.Form):
    """What users decide about themselves."""

    full_name = forms.CharField(max_length=150, label=_("Full name"))
    language = forms.ChoiceField(
        required=False,
        choices=[("", _("As the browser asks")), *settings.LANGUAGES],
        label=_("Language"),
    )
    time_zone = forms.ChoiceField(label=_("Time zone"))
    blind_first = forms.BooleanField(
        required=False,
        label=_("Blind first: hide the model's answer until I have signed my first read"),
        help_text=_("The server then sends no probability, no overlay and no similar image before."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.fields["time_zone"]
        if isinstance(zone, forms.ChoiceField):
            zone.choices = [(name, name) for name in sorted(zoneinfo.available_timezones())]


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        max_length=100, label=_("What it is for"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=[Scope.READ],
        widget=forms.CheckboxSelectMultiple,
        label=_("What it may do"),
    )
    days = forms.TypedChoiceField(choices=TOKEN_DAYS, coerce=int, initial=90, label=_("Valid for"))


class ReasonForm(forms.Form):
    """Why a decision is made."""

    reason = forms.CharField(max_length=500, label=_("Reason"))


class TrainingForm(forms.Form):
    """Which training is begun; network and epochs are of a full one."""

    kind = forms.ChoiceField(choices=TrainingKind.choices)
    architecture = forms.ChoiceField(
        required=False, choices=lambda: [("", ""), *((name, name) for name in architectures())]
    )
    epochs = forms.IntegerField(required=False, min_value=0, max_value=1000)

    def options(self) -> dict[str, Any]:
        """Return what was asked for; what was left empty is the software's own choice."""
        given = self.cleaned_data
        options = {"kind": given["kind"]}
        if given["kind"] == TrainingKind.FULL:
            asked = {name: given[name] for name in ("architecture", "epochs")}
            options |= {name: value for name, value in asked.items() if value not in {"", None}}
        return options
