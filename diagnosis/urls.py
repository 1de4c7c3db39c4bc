"""Addresses of the readers' pages."""

from django.urls import path

from diagnosis.views import images, intended_use, profile, review, study, upload, worklist

app_name = "diagnosis"

urlpatterns = [
    path("", worklist.show_worklist, name="worklist"),
    path("favicon.ico", images.favicon, name="favicon"),
    path("intended-use/", intended_use.intended_use, name="intended-use"),
    path("upload/", upload.upload, name="upload"),
    path("studies/<uuid:pk>/", study.show_study, name="study"),
    path("studies/<uuid:pk>/reading/", study.poll_reading, name="study-reading"),
    path("studies/<uuid:pk>/edit/", study.edit, name="study-edit"),
    path("studies/<uuid:pk>/review/", review.write_review, name="study-review"),
    path("reviews/<uuid:pk>/amend/", review.amend, name="review-amend"),
    path("reviews/<uuid:pk>/discard/", review.discard, name="review-discard"),
    path("analyses/<uuid:pk>/retry/", study.retry, name="analysis-retry"),
    path("instances/<uuid:pk>/image.png", images.instance_image, name="instance-image"),
    path("findings/<int:pk>/overlay.png", images.finding_overlay, name="finding-overlay"),
    path("profile/", profile.profile, name="profile"),
    path("profile/tokens/", profile.make_token, name="token-make"),
    path("profile/tokens/<uuid:pk>/revoke/", profile.close_token, name="token-close"),
]
