"""The multipart parser gives back every byte, whatever stands in the parts and however they arrive."""

import re
import tracemalloc
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from diagnosis.dicomweb.multipart import (
    CHUNK_BYTES,
    MAX_HEADER_BYTES,
    BodyTooLong,
    MultipartError,
    MultipartLimits,
    Part,
    read_parts,
)

BOUNDARY = "b0"
LIMITS = MultipartLimits(max_part_bytes=2**20, max_body_bytes=2**22, max_parts=50)
LOOK_ALIKES = (
    *(b"\r\n--b0", b"\r\n--b0-", b"\r\n--b0--x", b"\r\n--b01\r\n", b"\n--b0\r\n", b"--b0\r\n"),
    *(b"\r\n--b0 \tx\r\n", b"\r\n--b", b"\r\n\r\n", b"\r\n", b"\r", b" ", b"\t", b"\0", b"--", b"\r\n--b0\n"),
)
contents = st.lists(st.one_of(st.sampled_from(LOOK_ALIKES), st.binary(max_size=20)), max_size=12).map(
    b"".join
)


DELIMITER = re.compile(rb"\r\n--b0(--)?[ \t]*\r\n")


def whole(content: bytes) -> bool:
    """Tell whether nothing in the content is a delimiter, together with what is put around it."""
    return DELIMITER.search(b"\r\n" + content + b"\r\n--b0") is None


def encoded(
    parts: list[bytes], *, preamble: bytes = b"", padding: bytes = b"", epilogue: bytes = b""
) -> bytes:
    body = preamble
    for part in parts:
        body += b"\r\n--b0" + padding + b"\r\nContent-Type: application/dicom\r\n\r\n" + part
    return body + b"\r\n--b0--" + padding + epilogue


def reader(body: bytes, sizes: list[int]) -> Callable[[int], bytes]:
    """Return a `read` that hands out pieces of the given sizes, over and over."""
    stream, turn = BytesIO(body), iter(())

    def read(limit: int) -> bytes:
        nonlocal turn
        size = next(turn, None)
        if size is None:
            turn = iter(sizes)
            size = next(turn, limit)
        return stream.read(min(size, limit))

    return read


def parts_of(body: bytes, sizes: list[int] | None = None, limits: MultipartLimits = LIMITS) -> Iterator[Part]:
    return read_parts(reader(body, sizes or [CHUNK_BYTES]), boundary=BOUNDARY, limits=limits)


@settings(max_examples=200, deadline=None)
@given(
    contents=st.lists(contents.filter(whole), min_size=1, max_size=5),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    padding=st.sampled_from([b"", b" ", b"\t \t"]),
    epilogue=st.sampled_from([b"", b"\r\n", b"\r\nwhatever follows\r\n--b0\r\n"]),
)
def test_every_part_comes_back_byte_for_byte_however_the_body_is_cut(
    contents: list[bytes], sizes: list[int], padding: bytes, epilogue: bytes
) -> None:
    body = encoded(contents, padding=padding, epilogue=epilogue)
    found = list(parts_of(body, sizes))
    assert [part.content for part in found] == contents
    assert all(part.headers == {"content-type": "application/dicom"} for part in found)


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=300), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=3))
def test_noise_is_an_error_that_can_be_read_and_never_another(body: bytes, sizes: list[int]) -> None:
    with pytest.raises(MultipartError):
        list(parts_of(body, sizes))


@settings(max_examples=150, deadline=None)
@given(contents=st.lists(contents.filter(whole), min_size=1, max_size=4), data=st.data())
def test_a_body_that_ends_early_is_refused_and_what_came_before_is_whole(
    contents: list[bytes], data: st.DataObject
) -> None:
    body = encoded(contents)
    cut = data.draw(st.integers(0, len(body) - 1))
    # What is left may end in what would close a body: then nobody can tell that more was meant.
    assume(not body[:cut].rstrip(b" \t\r\n").endswith(b"\r\n--b0--"))
    found: list[bytes | None] = []
    with pytest.raises(MultipartError, match=r"\.$"):
        found.extend(part.content for part in parts_of(body[:cut], [7]))
    assert found == contents[: len(found)]


def test_the_boundary_may_be_the_very_first_bytes_or_follow_a_preamble() -> None:
    body = encoded([b"one"])
    for form in (body, body[2:], b"to whom it may concern" + body):
        assert [part.content for part in parts_of(form)] == [b"one"]


def test_parts_without_headers_or_without_content_are_parts() -> None:
    body = b"--b0\r\n\r\nplain\r\n--b0\r\nA: 1\r\nB: 2\r\n\r\n--b0\r\n\r\n\r\n--b0--"
    assert [(dict(part.headers), part.content) for part in parts_of(body, [1])] == [
        ({}, b"plain"),
        ({"a": "1", "b": "2"}, b""),
        ({}, b""),
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "does not hold the boundary"),
        (b"x" * 70_000, "does not begin with the boundary"),
        (b"--b0--\r\n", "holds no part"),
        (b"--b0\r\nContent-Type: a/b\r\n", "within the header"),
        (b"--b0\r\nno field\r\n\r\nx\r\n--b0--", "no header field"),
        (b"--b0\r\nA: " + b"x" * MAX_HEADER_BYTES + b"\r\n\r\nx\r\n--b0--", "header of a part is longer"),
        (b"--b0\r\n\r\nx\r\n--b0", "ends before the delimiter"),
        (b"--b0\r\n\r\nx\r\n--b0-", "ends before the delimiter"),
        (b"--b0\r\n\r\nx\r\n--b0" + b" " * 100 + b"\r\n", "ends before the delimiter"),
    ],
)
def test_each_mistake_is_named(body: bytes, said: str) -> None:
    with pytest.raises(MultipartError, match=said):
        list(parts_of(body))


def test_a_part_that_is_too_long_is_passed_over_and_the_next_one_is_read() -> None:
    limits = MultipartLimits(max_part_bytes=10, max_body_bytes=2**20, max_parts=5)
    body = encoded([b"x" * 11, b"y" * 10, b""])
    assert [part.content for part in parts_of(body, [3], limits)] == [None, b"y" * 10, b""]


def test_a_body_with_too_many_bytes_or_parts_is_given_up() -> None:
    many = MultipartLimits(max_part_bytes=10, max_body_bytes=2**20, max_parts=2)
    with pytest.raises(BodyTooLong, match="2 parts"):
        list(parts_of(encoded([b"a", b"b", b"c"]), limits=many))
    long = MultipartLimits(max_part_bytes=2**21, max_body_bytes=2**20, max_parts=2)
    with pytest.raises(BodyTooLong, match="1 MB"):
        list(parts_of(encoded([b"a" * 2**20]), limits=long))


def test_memory_does_not_grow_with_the_body() -> None:
    """38 MB pass, in a part that is too long, while a few chunks are held."""
    pieces = iter([b"--b0\r\n\r\n", *[b" " * 60_000 + b"\r\n--b0x" * 500] * 600, b"\r\n--b0--"])
    limits = MultipartLimits(max_part_bytes=2**20, max_body_bytes=2**30, max_parts=1)
    tracemalloc.start()
    found = list(read_parts(lambda size: next(pieces, b""), boundary=BOUNDARY, limits=limits))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [part.content for part in found] == [None]
    assert peak < 4 * 2**20
