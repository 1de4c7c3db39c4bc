"""An export holds pictures and labels, and nobody's identity."""

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from PIL import Image

from diagnosis.services import cleaning
from medimaging.common.storage import store_content
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.training.data import Fold
from mlcore.models import DatasetVersion, ExaminationType
from mlcore.services.datasets import export_version, freeze_version
from mlcore.services.datasets.exports import Layout
from tests.factories import DatasetItemFactory, DatasetLabelFactory, ExaminationTypeFactory
from tests.pictures import texture_png

pytestmark = pytest.mark.django_db
DICOM = Path(str(pydicom.data.get_testdata_file("CT_small.dcm")))


@pytest.fixture
def kind() -> ExaminationType:
    return ExaminationTypeFactory.create()


@pytest.fixture
def version(kind: ExaminationType) -> DatasetVersion:
    for seed, fold in enumerate([Fold.TRAIN, Fold.TRAIN, Fold.VALIDATION, Fold.TEST]):
        key = store_content(texture_png(seed), kind="instances", extension="png")
        item = DatasetItemFactory.create(
            examination_type=kind, content_key=key, fold=fold, group=f"patient {seed}"
        )
        DatasetLabelFactory.create(item=item, condition="pneumonia", present=seed % 2 == 0)
        if seed == 0:
            DatasetLabelFactory.create(item=item, condition="effusion")
    return freeze_version(kind, by=None)


def opened(version: DatasetVersion, layout: Layout) -> zipfile.ZipFile:
    target = io.BytesIO()
    export_version(version, target, layout=layout)
    return zipfile.ZipFile(target)


def test_a_zip_holds_the_images_and_a_table(version: DatasetVersion) -> None:
    archive = opened(version, Layout.ZIP)
    lines = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode())))
    assert len(lines) == version.item_count == len(archive.namelist()) - 1
    assert list(lines[0]) == ["path", "fold", "group", "effusion", "pneumonia"]
    assert sorted(line["effusion"] for line in lines) == ["", "", "", "1"]
    pictures = {texture_png(seed) for seed in range(4)}
    assert {archive.read(line["path"]) for line in lines} == pictures


def test_an_imagefolder_has_a_folder_a_fold_with_its_metadata(version: DatasetVersion) -> None:
    archive = opened(version, Layout.IMAGEFOLDER)
    for fold, count in ((Fold.TRAIN, 2), (Fold.VALIDATION, 1), (Fold.TEST, 1)):
        rows = [json.loads(line) for line in archive.read(f"{fold}/metadata.jsonl").splitlines()]
        assert len(rows) == count
        for row in rows:
            assert set(row) == {"file_name", "group", "effusion", "pneumonia"}
            assert f"{fold}/{row['file_name']}" in archive.namelist()


@pytest.mark.parametrize("layout", Layout)
def test_the_same_version_gives_the_same_file_and_names_nobody(
    version: DatasetVersion, layout: Layout
) -> None:
    first, second = io.BytesIO(), io.BytesIO()
    export_version(version, first, layout=layout)
    export_version(version, second, layout=layout)
    assert first.getvalue() == second.getvalue()
    assert b"patient " not in first.getvalue()


def test_a_dicom_file_becomes_a_picture_without_its_header(kind: ExaminationType) -> None:
    content = cleaning.clean(DICOM.read_bytes()).content
    key = store_content(content, kind="instances", extension="dcm")
    DatasetLabelFactory.create(item=DatasetItemFactory.create(examination_type=kind, content_key=key))
    archive = opened(freeze_version(kind, by=None), Layout.ZIP)
    (name,) = (name for name in archive.namelist() if name.startswith("images/"))
    picture = np.asarray(Image.open(io.BytesIO(archive.read(name))), np.float32) / 65535
    assert name.endswith(".png")
    assert np.allclose(picture, decode_image(content).pixels, atol=1 / 65535)
