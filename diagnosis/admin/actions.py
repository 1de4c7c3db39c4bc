"""What the administration pages do to rows; each asks for a reason and calls a service."""

from django import forms

from accounts.admin_actions import ReasonForm, reason_action
from accounts.models import User, UserStatus
from diagnosis.models import AnalysisState, Condition, ConditionState, ErasureState
from diagnosis.services import analysis, conditions, erasure, quarantine, reanalysis, studies
from diagnosis.services.analysis import OPEN_STATES


class ConditionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice of conditions, each with its examination type: two types may share a name."""

    def label_from_instance(self, obj: Condition) -> str:
        """Return the condition's name and its examination type."""
        return f"{obj.name} ({obj.examination_type})"


class MergeForm(ReasonForm):
    """Asks which condition takes over."""

    into = ConditionField(
        Condition.objects.filter(state=ConditionState.APPROVED).select_related("examination_type"),
        label="Merge into",
        help_text="An approved condition of the same examination type.",
    )
    field_order = ["into", "reason"]


class ReaderForm(ReasonForm):
    """Asks for a user by address: a list of all of them would not fit a page."""

    reader = forms.ModelChoiceField(
        User.objects.filter(status=UserStatus.ACTIVE),
        to_field_name="email",
        widget=forms.EmailInput(attrs={"class": "vTextField"}),
        label="Reader's email",
        error_messages={"invalid_choice": "No active user has this address."},
    )
    field_order = ["reader", "reason"]


retry = reason_action(
    "retry",
    label="Requeue failed analyses",
    consequence="Each failed analysis waits again for a worker, with all its attempts before it.",
    perform=analysis.retry_analysis,
    applies=lambda row: row.state == AnalysisState.FAILED,
)
cancel = reason_action(
    "cancel",
    label="Cancel",
    consequence="An analysis that waits or runs stops, and counts as failed. It can be retried.",
    perform=analysis.cancel_analysis,
    applies=lambda row: row.state in OPEN_STATES,
)
quarantine_image = reason_action(
    "quarantine",
    label="Quarantine",
    consequence="Readers no longer see the image or what was said of it, its open analyses stop, "
    "and no training uses it. Administrators, data stewards and auditors still see it. It can be released.",
    perform=quarantine.quarantine_instance,
    applies=lambda row: row.quarantined_at is None,
)
release = reason_action(
    "release",
    label="Release from quarantine",
    consequence="Readers see the image again, and what was signed of it counts again.",
    perform=quarantine.release_instance,
    applies=lambda row: row.quarantined_at is not None,
)
exclude = reason_action(
    "exclude",
    label="Exclude from training",
    consequence="No later training learns from the image. A data steward can accept it again "
    "under dataset items.",
    perform=quarantine.exclude_from_training,
)
request_erasure = reason_action(
    "request_erasure",
    label="Ask to erase",
    consequence="Nothing is erased yet: another administrator confirms it under Erasures.",
    perform=erasure.request_erasure,
)
confirm_erasure = reason_action(
    "confirm_erasure",
    label="Confirm and erase",
    consequence="The image, its analyses, maps, embeddings and files are erased for good, and no training "
    "sees it again. Signed reviews and the audit trail stay. This cannot be undone.",
    perform=erasure.confirm_erasure,
    permissions=["decide"],
    applies=lambda row: row.state == ErasureState.REQUESTED,
)
refuse_erasure = reason_action(
    "refuse_erasure",
    label="Refuse",
    consequence="The image is kept.",
    perform=erasure.refuse_erasure,
    permissions=["decide"],
    applies=lambda row: row.state == ErasureState.REQUESTED,
)
rerun = reason_action(
    "rerun",
    label="Analyze with the active model",
    consequence="Each image is analyzed by the model version that is active now. "
    "An image that this version has answered keeps its answer; a failed analysis is tried again.",
    perform=reanalysis.rerun_analysis,
)
approve = reason_action(
    "approve",
    label="Approve",
    consequence="Every reader of the examination type can use the condition from now on.",
    perform=conditions.approve_condition,
    applies=lambda row: row.can_transition_to(ConditionState.APPROVED),
)
retire = reason_action(
    "retire",
    label="Retire",
    consequence="Nobody can choose the condition any more. What was said with it stays.",
    perform=conditions.retire_condition,
    applies=lambda row: row.can_transition_to(ConditionState.RETIRED),
)
merge = reason_action(
    "merge",
    label="Merge into another condition",
    consequence="The condition becomes another name of the one you choose. "
    "Drafts move over; signed reviews keep the words they were signed with. A merge cannot be undone.",
    perform=conditions.merge_condition,
    applies=lambda row: row.can_transition_to(ConditionState.MERGED),
    form_class=MergeForm,
)
share = reason_action(
    "share",
    label="Share with a reader",
    consequence="The reader sees the study from now on, and may review it.",
    perform=studies.share_study,
    form_class=ReaderForm,
)
unshare = reason_action(
    "unshare",
    label="Stop sharing with a reader",
    consequence="The reader no longer sees the study. What they signed stays.",
    perform=studies.unshare_study,
    applies=lambda study: study.readers.exists(),
    form_class=ReaderForm,
)
