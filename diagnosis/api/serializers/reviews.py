"""Reviews as the REST interface shows and takes them."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import UserBriefSerializer
from diagnosis.api.serializers.conditions import ConditionBriefSerializer
from diagnosis.models import DisagreementReason, FindingBox, Review, ReviewFinding, Verdict
from diagnosis.services.verdicts import MOST_BOXES
from mlcore.api.serializers import ModelVersionBriefSerializer

MOST_VERDICTS = 200


class FindingBoxSerializer(serializers.ModelSerializer[FindingBox]):
    """A rectangle in whole pixels of one stored frame; the top left pixel is 0, 0."""

    class Meta:
        model = FindingBox
        fields = ["instance", "frame_index", "left", "top", "width", "height"]


class BoxSerializer(serializers.Serializer[Any]):
    """A rectangle as a reader draws it, in whole pixels of one stored frame of the study."""

    instance = serializers.UUIDField()
    frame_index = serializers.IntegerField(min_value=0, default=0)
    left = serializers.IntegerField(min_value=0)
    top = serializers.IntegerField(min_value=0)
    width = serializers.IntegerField(min_value=1)
    height = serializers.IntegerField(min_value=1)


class ReviewFindingSerializer(serializers.ModelSerializer[ReviewFinding]):
    """One verdict of a review."""

    condition = ConditionBriefSerializer()
    boxes = FindingBoxSerializer(many=True)

    class Meta:
        model = ReviewFinding
        fields = ["condition", "verdict", "suggested_by_model", "disagreement_reason", "note", "boxes"]


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
    disagreement_reason = serializers.ChoiceField(
        choices=DisagreementReason.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="Why the verdict differs from the model's; kept only where it does.",
    )
    boxes = serializers.ListField(
        child=BoxSerializer(),
        required=False,
        default=list,
        max_length=MOST_BOXES,
        help_text="Where it is seen.",
    )


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
