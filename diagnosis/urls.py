"""Addresses of the readers' pages."""

from django.urls import path

from diagnosis.views import (
    explanations,
    images,
    intended_use,
    keys,
    metrics,
    models,
    profile,
    review,
    study,
    training,
    upload,
    worklist,
    worklist_export,
)

app_name = "diagnosis"

urlpatterns = [
    path("", worklist.show_worklist, name="worklist"),
    path("worklist.csv", worklist_export.export_worklist, name="worklist-export"),
    path("worklist/assign/", worklist.assign, name="worklist-assign"),
    path("worklist/filters/", worklist.keep_filter, name="filter-keep"),
    path("worklist/filters/<uuid:pk>/forget/", worklist.forget_filter, name="filter-forget"),
    path("favicon.ico", images.favicon, name="favicon"),
    path("metrics", metrics.metrics, name="metrics"),
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
    path("instances/<uuid:pk>/frames/<int:frame>/values", images.frame_pixels, name="frame-values"),
    path("findings/<int:pk>/overlay.png", images.finding_overlay, name="finding-overlay"),
    path("findings/<int:pk>/maps/", explanations.show_maps, name="finding-maps"),
    path("explanations/<uuid:pk>/overlay.png", images.explanation_overlay, name="explanation-overlay"),
    path("models/", models.show_models, name="models"),
    path("models/<uuid:pk>/", models.show_version, name="model-version"),
    path("models/<uuid:pk>/<slug:decision>/", models.decide, name="model-decide"),
    path("models/<slug:code>/roll-back/", models.roll_back, name="model-roll-back"),
    path("models/<slug:code>/train/", training.start, name="training-start"),
    path("training/<uuid:pk>/", training.show_training, name="training"),
    path("training/<uuid:pk>/progress/", training.poll_training, name="training-progress"),
    path("training/<uuid:pk>/cancel/", training.cancel, name="training-cancel"),
    path("training/<uuid:pk>/retry/", training.retry, name="training-retry"),
    path("profile/keys/", keys.change_key, name="key-change"),
    path("profile/keys/restore/", keys.restore_keys, name="keys-restore"),
    path("profile/", profile.profile, name="profile"),
    path("profile/tokens/", profile.make_token, name="token-make"),
    path("profile/tokens/<uuid:pk>/revoke/", profile.close_token, name="token-close"),
]
