"""Analyses are carried out once, withheld where they must be, and taken back from the dead."""

from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath

import numpy as np
import pytest
from django.utils import timezone

from diagnosis import pipeline
from diagnosis.models import Analysis, AnalysisState, Condition, Study, Upload, UploadSource, UploadState
from diagnosis.selectors.images import THUMBNAIL_SIDE
from diagnosis.services.intake import receive
from medimaging.common.storage import delete_content, read_content
from mlcore.engine.imaging.maps import decode_map
from mlcore.models import Embedding, ServingProcess
from tests.factories import AnalysisFactory, UploadFactory

pytestmark = pytest.mark.django_db


def analysis_of(content: bytes, *, by, examination_type) -> Analysis:
    upload = receive(content, by=by, source=UploadSource.REST, examination_type=examination_type)
    assert upload.state == UploadState.ACCEPTED, upload.rejection_message
    return upload.instance.analyses.get()


def run(analysis: Analysis) -> Analysis:
    pipeline.run_analysis(str(analysis.pk))
    analysis.refresh_from_db()
    return analysis


def running(**values) -> Analysis:
    return AnalysisFactory.create(
        state=AnalysisState.RUNNING,
        attempts=1,
        **{"lease_expires_at": timezone.now() - timedelta(seconds=1), **values},
    )


@pytest.mark.data
def test_a_radiograph_gets_probability_map_embedding_and_model_version(reader, chest, pneumonia_radiograph):
    analysis = run(analysis_of(pneumonia_radiograph, by=reader, examination_type=chest))
    assert analysis.state == AnalysisState.SUCCEEDED
    finding = analysis.findings.get()
    assert finding.condition.code == "pneumonia"
    assert finding.suggested
    study = Study.objects.get(pk=analysis.instance.series.study_id)
    assert (study.latest_analysis, study.ranked_probability) == (analysis, finding.probability)
    saliency = decode_map(read_content(finding.saliency_key))
    assert saliency.ndim == 2
    assert 0.5 < saliency.max() <= 1.0
    stored = Embedding.objects.get(source_id=str(analysis.instance_id))
    assert stored.group == str(analysis.instance.series.study.patient_id)
    assert np.isclose(np.linalg.norm(np.frombuffer(bytes(stored.vector), "<f4")), 1.0, atol=1e-4)


@pytest.mark.data
def test_an_image_that_is_no_chest_radiograph_is_withheld_with_its_reason_and_without_a_score(
    reader, chest, data_dir
):
    content = next((data_dir / "mri_brain").rglob("*.jp*g")).read_bytes()
    analysis = run(analysis_of(content, by=reader, examination_type=chest))
    assert analysis.state == AnalysisState.WITHHELD
    assert analysis.withheld_reason
    assert len(analysis.withheld_message) > 20
    assert not analysis.findings.exists()


@pytest.mark.data
def test_the_recorded_age_of_the_patient_decides_whether_the_model_may_answer(
    reader, chest, pneumonia_radiograph, monkeypatch
):
    analysis = analysis_of(pneumonia_radiograph, by=reader, examination_type=chest)
    predictor = pipeline.serving.predictor_for(analysis.model_version)
    limited = replace(predictor, facts=replace(predictor.facts, validated_ages=(1, 5)))
    monkeypatch.setitem(pipeline.serving._predictors, analysis.model_version.artifact_sha256, limited)
    Study.objects.filter(pk=analysis.instance.series.study_id).update(patient_age_years=64)
    run(analysis)
    assert analysis.state == AnalysisState.WITHHELD
    assert "64 years" in analysis.withheld_message


@pytest.mark.data
def test_similar_images_are_the_nearest_of_other_patients_that_the_owner_may_see(
    reader, charlie, chest, data_dir
):
    files = sorted((data_dir / "upload_samples_fullres").rglob("*.jpeg"))[:8]
    foreign = run(analysis_of(files[7].read_bytes(), by=charlie, examination_type=chest))
    own = [
        run(
            analysis_of(
                f.read_bytes(),
                by=reader,
                examination_type=chest,
            )
        )
        for f in files[:7]
    ]
    found = [row.instance_id for row in own[-1].similar_instances.all()]
    assert len(found) == 5
    assert own[-1].instance_id not in found
    assert foreign.instance_id not in found
    distances = [row.distance for row in own[-1].similar_instances.all()]
    assert distances == sorted(distances)


@pytest.mark.data
def test_images_of_the_same_patient_are_not_similar_images(reader, chest, data_dir):
    files = sorted((data_dir / "upload_samples_fullres/NORMAL").glob("*.jpeg"))[:2]
    for file in files:
        upload = receive(
            file.read_bytes(),
            by=reader,
            source=UploadSource.REST,
            examination_type=chest,
            patient_identifier="one patient",
        )
        analysis = run(upload.instance.analyses.get())
    assert not analysis.similar_instances.exists()


@pytest.mark.data
def test_running_an_analysis_twice_changes_nothing(reader, chest, radiograph):
    analysis = run(analysis_of(radiograph, by=reader, examination_type=chest))
    finished = analysis.finished_at
    assert run(analysis).finished_at == finished
    assert analysis.findings.count() == 1


@pytest.mark.data
def test_who_lost_the_row_enters_nothing(reader, chest, radiograph, monkeypatch):
    analysis = analysis_of(radiograph, by=reader, examination_type=chest)
    answer_of = pipeline._answer

    def answer_and_lose(claimed):
        answer = answer_of(claimed)
        Analysis.objects.filter(pk=claimed.pk).update(state=AnalysisState.PENDING, lease_expires_at=None)
        return answer

    monkeypatch.setattr(pipeline, "_answer", answer_and_lose)
    assert run(analysis).state == AnalysisState.PENDING
    assert not analysis.findings.exists()


@pytest.mark.data
def test_a_stored_file_that_is_gone_fails_for_good_and_says_so(reader, chest, radiograph):
    analysis = analysis_of(radiograph, by=reader, examination_type=chest)
    delete_content(analysis.instance.content_key)
    run(analysis)
    assert (analysis.state, analysis.failure_code) == (AnalysisState.FAILED, "unreadable_image")
    assert "Restore it from a backup" in analysis.failure_message


@pytest.mark.data
def test_a_class_that_the_examination_type_lacks_fails_and_says_what_to_do(reader, chest, radiograph):
    Condition.objects.filter(examination_type=chest, code="pneumonia").update(code="renamed")
    analysis = run(analysis_of(radiograph, by=reader, examination_type=chest))
    assert (analysis.state, analysis.failure_code) == (AnalysisState.FAILED, "unknown_class")


@pytest.mark.data
def test_a_model_file_that_is_not_the_registered_one_is_never_loaded(
    reader, chest, shipped, radiograph, settings
):
    from mlcore import serving

    serving._predictors.clear()
    (settings.VAR_DIR / "models" / f"{shipped.artifact_sha256}.mmodel").unlink(missing_ok=True)
    shipped.artifact_sha256 = "0" * 64
    shipped.save()
    analysis = run(analysis_of(radiograph, by=reader, examination_type=chest))
    assert (analysis.state, analysis.failure_code) == (AnalysisState.FAILED, "artifact_error")


def test_the_reaper_takes_back_what_a_dead_worker_held_and_signals_it():
    analysis = running()
    assert pipeline.reap() == [str(analysis.pk)]
    analysis.refresh_from_db()
    assert analysis.state == AnalysisState.PENDING


def test_the_reaper_leaves_a_living_workers_analysis_alone():
    analysis = running(lease_expires_at=timezone.now() + timedelta(seconds=30))
    assert pipeline.reap() == []
    analysis.refresh_from_db()
    assert analysis.state == AnalysisState.RUNNING


def test_the_reaper_gives_up_after_the_last_attempt_and_says_so(settings):
    settings.ANALYSIS_MAX_ATTEMPTS = 1
    analysis = running()
    assert pipeline.reap() == []
    analysis.refresh_from_db()
    assert (analysis.state, analysis.failure_code) == (AnalysisState.FAILED, "worker_lost")


def test_the_reaper_signals_what_was_never_started_but_not_again_at_once():
    analysis = AnalysisFactory.create(signaled_at=timezone.now() - timedelta(minutes=1))
    fresh = AnalysisFactory.create()
    assert pipeline.reap() == [str(analysis.pk)]
    assert pipeline.reap() == []
    assert fresh.state == AnalysisState.PENDING


def test_the_reaper_signals_a_long_queue_in_parts(monkeypatch):
    monkeypatch.setattr(pipeline, "SIGNALED_AT_ONCE", 2)
    for minutes in (3, 2, 1):
        AnalysisFactory.create(signaled_at=timezone.now() - timedelta(minutes=minutes))
    assert [len(pipeline.reap()) for _ in range(3)] == [2, 1, 0]


def test_an_upload_whose_web_process_died_is_closed():
    old = UploadFactory.create(received_at=timezone.now() - timedelta(hours=1))
    fresh = UploadFactory.create()
    pipeline.reap()
    assert Upload.objects.get(pk=old.pk).rejection_code == "interrupted"
    assert Upload.objects.get(pk=fresh.pk).state == UploadState.RECEIVED


def test_an_unknown_analysis_is_passed_over():
    pipeline.run_analysis("00000000-0000-4000-8000-000000000000")
    assert not ServingProcess.objects.exists()


@pytest.mark.data
def test_the_small_picture_is_made_with_the_answer(reader, chest, pneumonia_radiograph):
    analysis = analysis_of(pneumonia_radiograph, by=reader, examination_type=chest)
    key = f"thumbnails/{PurePosixPath(analysis.instance.content_key).stem}-{THUMBNAIL_SIDE}.png"
    delete_content(key)
    run(analysis)
    assert read_content(key).startswith(b"\x89PNG")
