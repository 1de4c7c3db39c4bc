"""Reviews: draft, sign, amend."""

from http import HTTPStatus
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ReadOnlyEndpointSet
from accounts.api.permissions import AuditorsOnlyRead
from accounts.models import Scope
from accounts.permissions import ScopePermission
from diagnosis.api.filters import ReviewFilter
from diagnosis.api.serializers.reviews import (
    AmendmentSerializer,
    NewReviewSerializer,
    ReviewChangeSerializer,
    ReviewSerializer,
)
from diagnosis.api.verdicts import named_verdicts
from diagnosis.models import Review, ReviewFinding, Study
from diagnosis.selectors.blinding import reviews_shown_to
from diagnosis.services.reviews import amend_review, discard_draft, save_draft, sign_review, start_review
from diagnosis.services.verdicts import stored_verdicts
from medimaging.common.headers import etag_of, expected_revision
from medimaging.common.openapi import ETAG, IF_MATCH


class ReviewViewSet(ReadOnlyEndpointSet):
    """Signed reviews of the studies that the caller may see, and the caller's own drafts.

    Every answer carries an ETag, which a change has to name in If-Match.
    """

    queryset = Review.objects.none()
    serializer_class = ReviewSerializer
    filterset_class = ReviewFilter
    permission_classes = [ScopePermission, AuditorsOnlyRead]
    write_scope = Scope.REVIEW
    cursor_ordering = ("-started_at", "id")

    def get_queryset(self) -> QuerySet[Review]:
        """Return the visible reviews with their verdicts."""
        findings = Prefetch(
            "findings", ReviewFinding.objects.select_related("condition").prefetch_related("boxes")
        )
        return (
            reviews_shown_to(self.user)
            .select_related("reader", "model_version", "study")
            .prefetch_related(findings)
        )

    @extend_schema(parameters=[ETAG])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one review; its ETag is what a change must name."""
        return self._answer(self.get_object())

    @extend_schema(
        parameters=[ETAG],
        request=NewReviewSerializer,
        responses={200: ReviewSerializer, 201: ReviewSerializer},
    )
    def create(self, request: Request) -> Response:
        """Begin the caller's draft on a study; 200 where there is one already.

        A draft that was changed before is not overwritten (412): change it with PATCH.
        """
        asked = NewReviewSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        sent = dict(asked.validated_data)
        study = get_object_or_404(Study.objects.visible_to(self.user), pk=sent.pop("study"))
        review = start_review(study, by=self.user)
        status = HTTPStatus.CREATED if review.revision == 1 else HTTPStatus.OK
        if sent:
            self._save(review, sent, revision=1)
        return self._answer(review, status=status)

    @extend_schema(parameters=[IF_MATCH, ETAG], request=ReviewChangeSerializer, responses=ReviewSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the draft; what is left out stays as it is."""
        review = self.get_object()
        revision = expected_revision(request, review)
        asked = ReviewChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        self._save(review, asked.validated_data, revision=revision)
        return self._answer(review)

    def destroy(self, request: Request, pk: str) -> Response:
        """Discard the caller's own draft."""
        discard_draft(self.get_object(), by=self.user)
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(parameters=[IF_MATCH, ETAG], request=None, responses=ReviewSerializer)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def sign(self, request: Request, pk: str) -> Response:
        """Sign the draft: from now on it stands, and can only be amended."""
        review = self.get_object()
        revision = expected_revision(request, review)
        return self._answer(sign_review(review, by=self.user, expected_revision=revision))

    @extend_schema(parameters=[ETAG], request=AmendmentSerializer, responses={201: ReviewSerializer})
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def amend(self, request: Request, pk: str) -> Response:
        """Begin a draft that copies the signed review and, once signed, takes its place."""
        review = self.get_object()
        expected_revision(request, review, required=False)
        asked = AmendmentSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        draft = amend_review(review, by=self.user, **asked.validated_data)
        return self._answer(draft, status=HTTPStatus.CREATED)

    def _save(self, review: Review, sent: dict[str, Any], *, revision: int | None) -> None:
        study = review.study
        save_draft(
            review,
            by=self.user,
            verdicts=named_verdicts(sent["findings"], study=study, by=self.user)
            if "findings" in sent
            else stored_verdicts(review),
            comment=sent.get("comment", review.comment),
            training_consent=sent.get("training_consent", review.training_consent),
            expected_revision=revision,
        )

    def _answer(self, review: Review, *, status: int = HTTPStatus.OK) -> Response:
        shown = self.get_queryset().get(pk=review.pk)
        headers = {"ETag": etag_of(shown)}
        if status == HTTPStatus.CREATED:
            headers["Location"] = self.reverse_action("detail", args=[review.pk])
        return Response(self.get_serializer(shown).data, status=status, headers=headers)
