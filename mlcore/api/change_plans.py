"""Endpoints about change control plans: everybody reads them, an administrator adopts the next one."""

from http import HTTPStatus
from typing import Any

import django_filters
from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ReadOnlyEndpointSet
from accounts.api.permissions import AdministratorsChange
from accounts.api.serializers import UserBriefSerializer
from accounts.models import Scope
from accounts.permissions import ScopePermission
from mlcore.models import ChangeKind, ChangePlan, ExaminationType, LimitName, PlannedChange
from mlcore.services.change_plans import adopt_plan


class PlannedChangeSerializer(serializers.ModelSerializer[PlannedChange]):
    """A kind of change that the plan covers, what it may do wrong and what holds it back."""

    risk = serializers.CharField(source="impact.risk", default="")
    mitigation = serializers.CharField(source="impact.mitigation", default="")

    class Meta:
        model = PlannedChange
        fields = ["change", "automatic", "risk", "mitigation"]


class LimitsSerializer(serializers.Serializer[Any]):
    """What the gate lets a candidate be worse in, at most."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return one number for each limit."""
        return {
            name: serializers.FloatField(required=False, min_value=0, max_value=1, label=str(label))
            for name, label in LimitName.choices
        }


class ChangePlanSerializer(serializers.ModelSerializer[ChangePlan]):
    """A change control plan in its three parts; nothing of it is ever edited."""

    examination_type = serializers.SlugRelatedField[ExaminationType](slug_field="code", read_only=True)
    adopted_by = UserBriefSerializer(allow_null=True, help_text="Null: the software begins with it.")
    changes = PlannedChangeSerializer(many=True)
    limits = serializers.SerializerMethodField()

    class Meta:
        model = ChangePlan
        fields = [
            *("id", "examination_type", "number", "adopted_by", "adopted_at", "reason", "changes", "limits")
        ]

    @extend_schema_field(LimitsSerializer)
    def get_limits(self, plan: ChangePlan) -> dict[str, float]:
        """Return the limits of the gate by name."""
        return {row.name: row.value for row in plan.limits.all()}


class NewPlannedChangeSerializer(serializers.Serializer[Any]):
    """A kind of change that the plan is to cover."""

    change = serializers.ChoiceField(choices=ChangeKind.choices)
    automatic = serializers.BooleanField(
        default=False, help_text="Whether it may be promoted without an administrator."
    )
    risk = serializers.CharField(required=False, max_length=500, help_text="The software's own text.")
    mitigation = serializers.CharField(required=False, max_length=500, help_text="Goes with `risk`.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a risk that nothing holds back."""
        if ("risk" in attrs) != ("mitigation" in attrs):
            raise serializers.ValidationError("Give both risk and mitigation, or neither.")
        return attrs


class NewChangePlanSerializer(serializers.Serializer[Any]):
    """The plan that is to be in force; limits that are left out are as the software has them."""

    examination_type = serializers.SlugRelatedField[ExaminationType](
        slug_field="code", queryset=ExaminationType.objects.all()
    )
    changes = NewPlannedChangeSerializer(many=True)
    limits = LimitsSerializer(required=False)
    reason = serializers.CharField(max_length=500)

    def validate_changes(self, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Refuse a kind of change that is named twice."""
        if len({one["change"] for one in given}) < len(given):
            raise serializers.ValidationError("Name each kind of change once.")
        return given


class ChangePlanFilter(django_filters.FilterSet):
    """Filters of change control plans."""

    examination_type = django_filters.CharFilter(field_name="examination_type__code")

    class Meta:
        model = ChangePlan
        fields: list[str] = []


class ChangePlanViewSet(ReadOnlyEndpointSet):
    """Change control plans; the newest one of an examination type is in force."""

    queryset = ChangePlan.objects.none()
    serializer_class = ChangePlanSerializer
    filterset_class = ChangePlanFilter
    permission_classes = [ScopePermission, AdministratorsChange]
    write_scope = Scope.TRAIN
    cursor_ordering = ("-adopted_at", "id")

    def get_queryset(self) -> QuerySet[ChangePlan]:
        """Return the plans with their parts."""
        changes = Prefetch("changes", PlannedChange.objects.select_related("impact"))
        plans = ChangePlan.objects.select_related("examination_type", "adopted_by")
        return plans.prefetch_related(changes, "limits")

    @extend_schema(request=NewChangePlanSerializer, responses={201: ChangePlanSerializer})
    def create(self, request: Request) -> Response:
        """Adopt a plan: candidates are measured and promoted under it from now on."""
        asked = NewChangePlanSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        plan = adopt_plan(
            given["examination_type"],
            by=self.user,
            reason=given["reason"],
            changes=[one["change"] for one in given["changes"]],
            automatic=[one["change"] for one in given["changes"] if one["automatic"]],
            limits=given.get("limits", {}),
            impacts={
                one["change"]: (one["risk"], one["mitigation"]) for one in given["changes"] if "risk" in one
            },
        )
        headers = {"Location": self.reverse_action("detail", args=[plan.pk])}
        shown = self.get_serializer(self.get_queryset().get(pk=plan.pk))
        return Response(shown.data, status=HTTPStatus.CREATED, headers=headers)
