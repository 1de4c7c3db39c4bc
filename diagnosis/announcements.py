"""What webhooks are told of studies: ids, and only to whom may see what they name."""

from accounts.models import User, WebhookEvent
from accounts.services import webhooks
from diagnosis.models import Analysis, Instance, Review, Study


def analysis_finished(analysis: Analysis) -> None:
    """Tell that an analysis came to its end, in the transaction that ends it."""
    instance = analysis.instance
    webhooks.announce(
        WebhookEvent.ANALYSIS_FINISHED,
        data={"analysis": analysis.pk, "instance": instance.pk, "study": instance.series.study_id},
        may_know=lambda user: _sees_image(user, instance),
    )


def review_signed(review: Review) -> None:
    """Tell that a review was signed, in the transaction that signs it."""
    webhooks.announce(
        WebhookEvent.REVIEW_SIGNED,
        data={"review": review.pk, "study": review.study_id, "amends": review.amends_id},
        may_know=lambda user: bool(Study.objects.visible_to(user).filter(pk=review.study_id).exists()),
    )


def _sees_image(user: User, instance: Instance) -> bool:
    return bool(Instance.objects.visible_to(user).filter(pk=instance.pk).exists())
