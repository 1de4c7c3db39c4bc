"""Who reads a study now: look, claim or renew, take over, release."""

from http import HTTPStatus

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import EndpointSet
from diagnosis.api.serializers.claims import ClaimSerializer
from diagnosis.models import Claim, Study
from diagnosis.selectors.claims import Nobody, standing_claim
from diagnosis.services.claims import hold_study, release_claim, take_over
from medimaging.common.headers import etag_of, expected_revision
from medimaging.common.openapi import ETAG, IF_MATCH_TO_TAKE_OVER


class ClaimActions(EndpointSet):
    """The claim of one study, below the study's address."""

    @extend_schema(parameters=[ETAG], responses=ClaimSerializer)
    @action(detail=True, filterset_class=None, pagination_class=None)
    def claim(self, request: Request, pk: str) -> Response:
        """Say who reads the study now; its ETag is what taking over must name."""
        return self._claim_answer(standing_claim(self._claimed_study(pk)) or Nobody())

    @extend_schema(parameters=[IF_MATCH_TO_TAKE_OVER, ETAG], request=None, responses=ClaimSerializer)
    @claim.mapping.put
    def hold(self, request: Request, pk: str) -> Response:
        """Claim the study for ten minutes, or renew the caller's claim.

        A colleague's claim answers 409. Whoever has read it takes it over by naming its ETag in If-Match.
        """
        study = self._claimed_study(pk)
        seen = expected_revision(request, standing_claim(study) or Nobody(), required=False)
        held = (
            hold_study(study, by=self.user)
            if seen is None
            else take_over(study, by=self.user, expected_revision=seen)
        )
        return self._claim_answer(held)

    @extend_schema(request=None, responses={204: None})
    @claim.mapping.delete
    def release(self, request: Request, pk: str) -> Response:
        """End the caller's own claim, if there is one; a colleague's stays."""
        release_claim(self._claimed_study(pk), by=self.user)
        return Response(status=HTTPStatus.NO_CONTENT)

    def _claimed_study(self, pk: str) -> Study:
        study: Study = get_object_or_404(Study.objects.visible_to(self.user), pk=pk)
        return study

    def _claim_answer(self, claim: Claim | Nobody) -> Response:
        shown = ClaimSerializer(claim, context=self.get_serializer_context())
        return Response(shown.data, headers={"ETag": etag_of(claim)})
