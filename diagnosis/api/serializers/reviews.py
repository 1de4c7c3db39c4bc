"""Reviews as the REST interface shows and takes them."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import UserBriefSerializer
from diagnosis.api.serializers.conditions import ConditionBriefSerializer
from diagnosis.models import Review, ReviewFinding, Verdict
from mlcore.api.serializers import ModelVersionBriefSerializer

MOST_VERDICTS = 200


class ReviewFindingSerializer(serializers.ModelSerializer[ReviewFinding]):
    """One verdict of a review."""

    condition = ConditionBriefSerializer()

    class Meta:
        model = ReviewFinding
        fields = ["condition", "verdict", "suggested_by_model", "note"]


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """One reader's verdicts on one study."""

    reader = UserBriefSerializer()
    model_version = ModelVersionBriefSerializer(allow_null=True)
    findings = ReviewFindingSerializer(many=True)

    class Meta:
        model = Review
        fields = [
            "id",
            "study",
            "reader",
            "state",
            "revision",
            "findings",
            "comment",
            "training_consent",
            "model_answer_seen",
            "model_version",
            "amends",
            "amendment_reason",
            "started_at",
            "signed_at",
        ]


class VerdictSerializer(serializers.Serializer[Any]):
    """One verdict as a reader gives it."""

    condition = serializers.CharField(max_length=64, help_text="Code of the condition.")
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class ReviewChangeSerializer(serializers.Serializer[Any]):
    """What a draft is to say; what is left out stays as it is."""

    findings = serializers.ListField(
        child=VerdictSerializer(),
        required=False,
        max_length=MOST_VERDICTS,
        help_text="Replaces all verdicts.",
    )
    comment = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    training_consent = serializers.BooleanField(required=False)


class NewReviewSerializer(ReviewChangeSerializer):
    """The first draft on a study."""

    study = serializers.UUIDField()


class AmendmentSerializer(serializers.Serializer[Any]):
    """Why a signed review is amended."""

    reason = serializers.CharField(max_length=2000)
