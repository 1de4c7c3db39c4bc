"""The file-based broker survives what Kombu's own does not."""

import json
import threading
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

import medimaging.celery  # noqa: F401  names the transport
from medimaging.common.broker import Channel


@pytest.fixture
def channel(tmp_path):
    options = {name: str(tmp_path / name) for name in ("control_folder", "processed_folder")}
    options |= {"data_folder_in": str(tmp_path / "messages"), "data_folder_out": str(tmp_path / "messages")}
    for folder in options.values():
        Path(folder).mkdir(exist_ok=True)
    with Connection("filesystem://localhost/", transport_options=options) as connection:
        yield connection.channel()


def test_the_sites_address_opens_the_sites_own_transport(channel):
    assert isinstance(channel, Channel)


def test_a_message_comes_back_as_it_was_put(channel):
    channel._put("analysis", {"body": "é"})
    assert channel._get("analysis") == {"body": "é"}
    with pytest.raises(Empty):
        channel._get("analysis")


def test_a_message_that_was_never_finished_is_not_read(channel):
    (Path(channel.data_folder_in) / "1_x.analysis.msg.part").write_text("")
    with pytest.raises(Empty):
        channel._get("analysis")


def test_a_reader_beside_a_writer_never_sees_half_a_message(channel):
    count, read = 300, []

    def write():
        for number in range(count):
            channel._put("analysis", {"number": number, "padding": "x" * 20_000})

    writer = threading.Thread(target=write)
    writer.start()
    while len(read) < count:
        try:
            read.append(channel._get("analysis")["number"])
        except Empty:
            assert writer.is_alive() or len(read) == count or list(Path(channel.data_folder_in).iterdir())
    writer.join()
    assert sorted(read) == list(range(count))


@pytest.mark.parametrize("left", ["", '[["a"'])
def test_a_table_of_queues_that_a_killed_process_left_is_written_anew(channel, left):
    file = channel._exchange_file("analysis")
    file.write_text(left)
    assert channel.get_table("analysis") == []
    channel._queue_bind("analysis", "analysis", "", "analysis")
    assert json.loads(file.read_text()) == [["analysis", "", "analysis"]]
