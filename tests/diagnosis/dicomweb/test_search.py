"""QIDO-RS finds what the user may see, as PS3.18 describes it."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Role, Scope, User
from diagnosis.models import Instance
from tests.factories import UserFactory
from tests.rest_fixture import Api, assert_outsiders_stay_out, assert_problem

ROOT = "/dicomweb"
Stored = Callable[..., Instance]


@pytest.fixture
def ct(stored: Stored) -> Instance:
    return stored("CT_small.dcm")


@pytest.fixture
def mr(stored: Stored) -> Instance:
    return stored("MR_small.dcm")


def found(client: Any, query: str, *, path: str = "/studies") -> list[str]:
    """Return the UIDs that a search finds."""
    tag = {"/studies": "0020000D", "/series": "0020000E", "/instances": "00080018"}[path]
    response = client.get(f"{ROOT}{path}?{query}")
    assert response.status_code == 200, response.content
    return [row[tag]["Value"][0] for row in response.json()]


def test_a_study_is_described_with_what_the_standard_asks_for(api: Api, reader: User, ct: Instance) -> None:
    (row,) = api(reader).get(f"{ROOT}/studies").json()
    study = ct.series.study
    assert row["0020000D"] == {"vr": "UI", "Value": [study.study_instance_uid]}
    assert row["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": study.patient.pseudonym}]}
    assert row["00080061"]["Value"] == ["CT"]
    assert row["00080020"]["Value"] == [study.study_date.strftime("%Y%m%d")]
    assert row["00201206"]["Value"] == row["00201208"]["Value"] == [1]
    assert row["00081190"]["Value"][0].endswith(f"/dicomweb/studies/{study.study_instance_uid}")
    assert row["00080050"] == {"vr": "SH"}
    assert "00081030" not in row


def test_more_attributes_come_when_they_are_asked_for(api: Api, reader: User, ct: Instance) -> None:
    client = api(reader)
    for query in ("includefield=StudyDescription", "includefield=00081030", "includefield=all"):
        assert "00081030" in client.get(f"{ROOT}/studies?{query}").json()[0], query
    row = client.get(f"{ROOT}/instances?includefield=PixelSpacing,BitsStored").json()[0]
    assert row["00280030"]["Value"] == [0.661468, 0.661468]
    assert row["00280101"]["Value"] == [16]
    assert row["00280010"]["Value"] == [128]
    answered = client.get(f"{ROOT}/studies?includefield=ProtocolName")
    assert "ProtocolName" in answered["Warning"]


def test_every_kind_of_attribute_is_matched(api: Api, reader: User, ct: Instance, mr: Instance) -> None:
    client, study = api(reader), ct.series.study
    date, name = study.study_date.strftime("%Y%m%d"), study.patient.pseudonym
    uid, other = study.study_instance_uid, mr.series.study.study_instance_uid
    for query in (
        f"StudyInstanceUID={uid}",
        f"0020000D={uid}",
        f"StudyDate={date}",
        f"StudyDate={date}-{date}",
        f"PatientID={name}",
        f"PatientID={name[:6]}*",
        f"PatientID=%3F{name[1:]}",
        f"PatientName={name.lower()}",
        f"PatientName={name[:5].lower()}&fuzzymatching=true",
        "ModalitiesInStudy=CT",
        "ModalitiesInStudy=C%3F",
        "Modality=CT",
    ):
        if query.startswith("Modality="):
            assert found(client, query, path="/series") == [ct.series.series_instance_uid]
        else:
            assert found(client, query) == [uid], query
    assert set(found(client, f"StudyInstanceUID={uid},{other}")) == {uid, other}
    assert set(found(client, f"StudyInstanceUID={uid}%5C{other}")) == {uid, other}
    assert set(found(client, "PatientID=*&StudyDate=19000101-")) == {uid, other}
    assert found(client, "StudyDate=-19000101") == []
    assert found(client, f"PatientName={name[:5].lower()}") == []
    assert found(client, "AccessionNumber=1") == []
    assert found(client, "SOPClassUID=1.2.840.10008.5.1.4.1.1.2", path="/instances") == [ct.sop_instance_uid]
    assert found(client, f"Rows=64&InstanceNumber={mr.instance_number}", path="/instances") == [
        mr.sop_instance_uid
    ]


def test_a_search_is_narrowed_by_its_address(api: Api, reader: User, ct: Instance, mr: Instance) -> None:
    client, study = api(reader), ct.series.study.study_instance_uid
    rows = client.get(f"{ROOT}/studies/{study}/series").json()
    assert [row["0020000E"]["Value"][0] for row in rows] == [ct.series.series_instance_uid]
    for path in (f"studies/{study}", f"studies/{study}/series/{ct.series.series_instance_uid}"):
        rows = client.get(f"{ROOT}/{path}/instances").json()
        assert [row["00080018"]["Value"][0] for row in rows] == [ct.sop_instance_uid]
    assert client.get(f"{ROOT}/studies/1.2.3/series").json() == []


def test_pages_follow_each_other_and_say_that_there_is_more(api: Api, reader: User, stored: Stored) -> None:
    for number in range(5):
        stored("MR_small.dcm", SOPInstanceUID=f"1.2.{number}", StudyInstanceUID=f"1.3.{number}")
    client = api(reader)
    pages = [client.get(f"{ROOT}/studies?limit=2&offset={offset}") for offset in (0, 2, 4)]
    uids = [row["0020000D"]["Value"][0] for page in pages for row in page.json()]
    assert len(set(uids)) == 5
    assert ["Warning" in page for page in pages] == [True, True, False]


def test_what_cannot_be_understood_is_refused_with_a_sentence(api: Api, reader: User, ct: Instance) -> None:
    client = api(reader)
    for query in (
        *("limit=0", "limit=x", "offset=-1", "offset=99999999", "fuzzymatching=maybe", "NoSuch=1"),
        *("StudyDate=2020", "StudyDate=20200101-x", "StudyInstanceUID=1.2%25", "includefield=NoSuch"),
        *("PatientID=*a*b*c*d*e*", "PatientID=%00", "StudyDate=20201301"),
    ):
        assert_problem(client.get(f"{ROOT}/studies?{query}"), 400, "invalid_query")
    assert_problem(client.get(f"{ROOT}/instances?Rows=many"), 400, "invalid_query")
    assert_problem(client.get(f"{ROOT}/studies", HTTP_ACCEPT="text/html"), 406, "not_acceptable")
    ignored = client.get(f"{ROOT}/studies?InstitutionName=x")
    assert ignored.status_code == 200
    assert "InstitutionName" in ignored["Warning"]


def test_strangers_find_nothing_and_overseers_everything_once(
    api: Api, charlie: User, administrator: User, ct: Instance, stored: Stored
) -> None:
    for path in ("studies", "series", "instances"):
        assert api(charlie).get(f"{ROOT}/{path}").json() == []
    stored("CT_small.dcm", by=charlie, SOPInstanceUID="1.2.3")
    rows = api(administrator).get(f"{ROOT}/studies").json()
    assert [row["00201208"]["Value"] for row in rows] == [[2]]
    assert len(api(administrator).get(f"{ROOT}/instances").json()) == 2
    assert len(api(charlie).get(f"{ROOT}/instances").json()) == 1


def test_an_image_in_quarantine_is_found_by_overseers_alone(
    api: Api, reader: User, administrator: User, ct: Instance
) -> None:
    Instance.objects.filter(pk=ct.pk).update(quarantined_at=ct.created_at)
    assert api(reader).get(f"{ROOT}/studies").json() == []
    assert len(api(administrator).get(f"{ROOT}/studies").json()) == 1


@pytest.mark.parametrize("path", ["studies", "series", "instances", "studies/1.2/series"])
def test_outsiders_stay_out(api: Api, path: str) -> None:
    assert_outsiders_stay_out(lambda client: client.get(f"{ROOT}/{path}"), api=api, scope=Scope.READ)


def test_an_auditor_searches(api: Api, ct: Instance) -> None:
    assert len(api(UserFactory.create(role=Role.AUDITOR)).get(f"{ROOT}/studies").json()) == 1
