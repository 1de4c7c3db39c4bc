"""Maps that were asked for, as the REST interface shows them."""

from typing import Any

from rest_framework import serializers

from diagnosis.api.serializers.blinding import BlindedSerializer
from diagnosis.models import Explanation, ExplanationMethod
from diagnosis.selectors.explanations import measured

NOTICE = "Shows where the score is sensitive. Not an outline of disease."


class ExplanationSerializer(BlindedSerializer):
    """One method's map of where a finding's score is sensitive."""

    answer_fields = ("overlay", "measured")

    condition = serializers.CharField(source="finding.condition.code", read_only=True)
    analysis = serializers.UUIDField(source="finding.analysis_id", read_only=True)
    overlay = serializers.HyperlinkedIdentityField(view_name="api:explanation-overlay")
    measured = serializers.SerializerMethodField(
        help_text="What this method's maps of this very model were measured to show."
    )
    notice = serializers.SerializerMethodField(help_text="To be shown with every map.")

    class Meta:
        model = Explanation
        fields = [
            "id",
            "finding",
            "condition",
            "analysis",
            "method",
            "state",
            "requested_at",
            "finished_at",
            "answers_hidden",
            "overlay",
            "measured",
            "failure_code",
            "failure_message",
            "notice",
        ]

    def get_measured(self, explanation: Explanation) -> str:
        """Return the sentence that belongs beside the map."""
        return measured(explanation.finding.analysis.model_version, explanation.method)

    def get_notice(self, explanation: Explanation) -> str:
        """Return the words that belong to every map."""
        return NOTICE


class ExplanationRequestSerializer(serializers.Serializer[Any]):
    """Which map of which finding."""

    finding = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    method = serializers.ChoiceField(choices=ExplanationMethod.choices)
