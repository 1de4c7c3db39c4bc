"""Addresses of DICOMweb, below /dicomweb/."""

from django.urls import re_path

from diagnosis.dicomweb.views.rendered import RenderedView, ThumbnailView
from diagnosis.dicomweb.views.retrieve import (
    BulkDataView,
    FramesView,
    MetadataView,
    RetrieveView,
    StudyView,
)
from diagnosis.dicomweb.views.search import InstanceSearchView, SeriesSearchView, StudiesView

app_name = "dicomweb"

UID = "[0-9.]{1,64}"
STUDY = f"studies/(?P<study>{UID})"
SERIES = f"{STUDY}/series/(?P<series>{UID})"
INSTANCE = f"{SERIES}/instances/(?P<instance>{UID})"
FRAMES = f"{INSTANCE}/frames/(?P<frames>[^/]{{1,6000}})"

urlpatterns = [
    re_path(r"^studies/?$", StudiesView.as_view(), name="studies"),
    re_path(r"^series/?$", SeriesSearchView.as_view(), name="all-series"),
    re_path(r"^instances/?$", InstanceSearchView.as_view(), name="all-instances"),
    re_path(rf"^{STUDY}/?$", StudyView.as_view(), name="study"),
    re_path(rf"^{STUDY}/series/?$", SeriesSearchView.as_view(), name="study-series"),
    re_path(rf"^{STUDY}/instances/?$", InstanceSearchView.as_view(), name="study-instances"),
    re_path(rf"^{SERIES}/?$", RetrieveView.as_view(), name="series"),
    re_path(rf"^{SERIES}/instances/?$", InstanceSearchView.as_view(), name="series-instances"),
    re_path(rf"^{INSTANCE}/?$", RetrieveView.as_view(), name="instance"),
    *(
        re_path(rf"^{path}/{name}/?$", view.as_view(), name=f"{level}-{name}")
        for level, path in (("study", STUDY), ("series", SERIES), ("instance", INSTANCE))
        for name, view in (
            ("metadata", MetadataView),
            ("rendered", RenderedView),
            ("thumbnail", ThumbnailView),
        )
    ),
    re_path(rf"^{FRAMES}/?$", FramesView.as_view(), name="frames"),
    re_path(rf"^{FRAMES}/rendered/?$", RenderedView.as_view(), name="frames-rendered"),
    re_path(rf"^{FRAMES}/thumbnail/?$", ThumbnailView.as_view(), name="frames-thumbnail"),
    re_path(rf"^{INSTANCE}/bulkdata/(?P<tag>[0-9A-Fa-f]{{8}})/?$", BulkDataView.as_view(), name="bulkdata"),
]
