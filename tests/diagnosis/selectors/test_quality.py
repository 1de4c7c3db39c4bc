"""What was measured of an image's quality, in words."""

from accounts.models import User
from diagnosis.models import Analysis, AnalysisState
from diagnosis.selectors.quality import quality_of
from tests.factories import AnalysisFactory


def test_what_was_measured_is_named_in_one_order(reader: User) -> None:
    measured = {"noise": 0.01, "spread": 0.8, "outside_validated_range": -3.0, "new": 1.0}
    quality = quality_of(AnalysisFactory.create(quality=measured))
    assert quality is not None
    assert [(str(one.name), one.value) for one in quality.measures] == [("Contrast", 0.8), ("Noise", 0.01)]
    assert [str(one.name) for one in quality.all_measures][-1] == "new"
    assert not quality.is_poor


def test_an_image_withheld_for_its_quality_is_poor(reader: User) -> None:
    analysis = AnalysisFactory.create(
        quality={"spread": 0.01}, state=AnalysisState.WITHHELD, withheld_reason="poor_quality"
    )
    quality = quality_of(analysis)
    assert quality is not None
    assert quality.is_poor


def test_nothing_measured_is_nothing_shown(reader: User) -> None:
    assert quality_of(Analysis(quality={})) is None
