"""Listings as S3 sends them, and as it must not: whole, or an error."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import NotFound, PierheadError, StoreDenied, StoreUnavailable
from app.storage.s3.list_page import ListPage, empty_page
from app.storage.s3.list_xml import ListingParser

NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
OBJECT = (
    "<Contents><Key>{key}</Key><LastModified>{time}</LastModified><ETag>&quot;{tag}&quot;</ETag><Size>{size}</Size>"
    "<StorageClass>STANDARD</StorageClass><Owner><ID>me</ID><Key>not this</Key></Owner></Contents>"
)
TIME = "2022-10-12T17:50:00.250Z"
SECONDS = datetime(2022, 10, 12, 17, 50, 0, 250_000, UTC).timestamp()


def obj(key: str = "a", size: str = "1", tag: str = "t", time: str = TIME) -> str:
    return OBJECT.format(key=key, size=size, tag=tag, time=time)


def common(prefix: str) -> str:
    return f"<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>"


def listing(*items: str, name: str = "<Name>b</Name>", truncated: str = "false", rest: str = "") -> bytes:
    cut = f"<IsTruncated>{truncated}</IsTruncated>"
    text = f"<ListBucketResult {NAMESPACE}>{name}<Prefix>d/</Prefix>{cut}{rest}{''.join(items)}</ListBucketResult>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def parsed(data: bytes, *, status: int = 200, step: int | None = None) -> ListPage:
    parser = ListingParser(status)
    for start in range(0, len(data), step or len(data) or 1):
        parser.feed(data[start : start + (step or len(data))])
    return parser.page()


def test_every_field_of_a_page() -> None:
    more = "<NextContinuationToken>next&amp;</NextContinuationToken><KeyCount>3</KeyCount>"
    page = parsed(
        listing(
            obj("d/a", "0", "x-2"), obj("d/b", "99999999999"), common("d/c/"), truncated="true", rest=more
        )
    )
    assert page == ListPage(
        ["d/a", "d/b"], [0, 99999999999], [SECONDS] * 2, ["x-2", "t"], ["d/c/"], "next&", {}
    )
    assert (page.first, page.last) == ("d/a", "d/c/")


def test_an_empty_page() -> None:
    page = parsed(listing())
    assert page == empty_page()
    assert page.first is page.last is None


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), max_size=5),
    st.integers(1, 40),
)
def test_keys_come_as_they_are_whatever_the_pieces(keys: list[str], step: int) -> None:
    data = listing(*(obj(escape(key)) for key in keys))
    assert parsed(data, step=step).keys == keys


def test_keys_that_are_sent_percent_encoded_are_decoded() -> None:
    items = obj("a%20b"), obj("a+b"), obj("100%25"), obj("%01"), common("%C3%BC/")
    page = parsed(listing(*items, rest="<EncodingType>url</EncodingType>"))
    assert (page.keys, page.common_prefixes) == (["a b", "a b", "100%", "\1"], ["ü/"])
    assert parsed(listing(*items)).keys == ["a%20b", "a+b", "100%25", "%01"]


@pytest.mark.parametrize(
    "time", ["2022-10-12T17:50:00.250Z", "2022-10-12T17:50:00.250", "2022-10-12T19:50:00.250+02:00"]
)
def test_times_are_of_utc_unless_they_say_another(time: str) -> None:
    assert parsed(listing(obj(time=time))).modified == [SECONDS]


WHOLE = listing(obj("d/a"), obj("d/b"), common("d/c/"))


@given(st.integers(0, len(WHOLE) - 1))
def test_a_listing_that_is_cut_off_is_an_error(length: int) -> None:
    with pytest.raises(StoreUnavailable) as raised:
        parsed(WHOLE[:length])
    assert raised.value.reason in ("broken-stream", "unexpected")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html></html>",
        b"not XML at all",
        b"<ListAllMyBucketsResult></ListAllMyBucketsResult>",
        b'<!DOCTYPE x [<!ENTITY e "e">]><ListBucketResult></ListBucketResult>',
        listing(truncated=""),
        listing(truncated="maybe"),
        listing(obj(), truncated="true"),
        listing(obj(), truncated="true", rest="<NextContinuationToken/>"),
        listing(obj(size="")),
        listing(obj(size="-1")),
        listing(obj(size="much")),
        listing(obj(size="9" * 19)),
        listing(obj(size="9" * 5000)),
        listing("<Contents><Key>a</Key></Contents>"),
        listing("<Contents></Contents>"),
        listing("<CommonPrefixes></CommonPrefixes>"),
        listing() + b"<more/>",
        b"\xff" + listing(),
    ],
)
def test_what_is_no_listing_is_no_empty_folder(data: bytes) -> None:
    with pytest.raises(StoreUnavailable):
        parsed(data)


def error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>why</Message></Error>".encode()


@pytest.mark.parametrize(
    ("status", "data", "expected"),
    [
        (403, error("AccessDenied"), StoreDenied("the storage does not let this server list folders")),
        (404, error("NoSuchBucket"), StoreUnavailable("no-such-bucket")),
        (404, error("NoSuchKey"), NotFound()),
        (503, error("SlowDown"), StoreUnavailable("throttled")),
        (200, error("InternalError"), StoreUnavailable("unexpected")),
        (503, b"busy", StoreUnavailable("throttled")),
        (500, b"", StoreUnavailable("server-error")),
        (500, listing(obj()), StoreUnavailable("server-error")),
        (302, b"<html>", StoreUnavailable("unexpected")),
        (404, b"", StoreUnavailable("unexpected")),
        (404, b"<html>", StoreUnavailable("unexpected")),
        (404, b'{"status":404}', StoreUnavailable("unexpected")),
        (404, b"<Error><Message>no</Message></Error>", StoreUnavailable("unexpected")),
        (412, b"", StoreUnavailable("unexpected")),
        (416, b"<html>", StoreUnavailable("unexpected")),
    ],
)
def test_an_answer_that_is_an_error_means_what_it_says(
    status: int, data: bytes, expected: PierheadError
) -> None:
    with pytest.raises(type(expected)) as raised:
        parsed(data, status=status)
    assert str(raised.value) == str(expected)


def bare(*fields: str) -> bytes:
    return listing(f"<Contents><Key>a</Key>{''.join(fields)}<Size>1</Size></Contents>")


@pytest.mark.parametrize("fields", ["", "<ETag/>", "<ETag> </ETag><LastModified/>", "<Owner/>"])
@pytest.mark.parametrize("step", [None, 1])
def test_an_object_may_lack_its_time_its_tag_and_its_owner(fields: str, step: int | None) -> None:
    page = parsed(bare(fields), step=step)
    assert (page.keys, page.sizes, page.modified, page.e_tags) == (["a"], [1], [None], [""])


@pytest.mark.parametrize(
    "time", ["yesterday", "1665597000", "2022-13-01T00:00:00Z", "Wed, 12 Oct 2022 17:50:00 +99999999999999"]
)
@pytest.mark.parametrize("step", [None, 1])
def test_a_time_that_nobody_can_read_is_none(time: str, step: int | None) -> None:
    assert parsed(listing(obj(time=time)), step=step).modified == [None]


def test_a_listing_need_not_name_its_bucket() -> None:
    assert parsed(listing(obj("a"), name="")).keys == ["a"]


def test_blanks_around_values_and_other_forms_of_them_are_understood() -> None:
    time = "<LastModified> Wed, 12 Oct 2022 17:50:00 GMT </LastModified>"
    data = (
        bare(time, '<ETag> "t" </ETag>')
        .replace(b"<Size>1<", b"<Size> 1\n<")
        .replace(b">false<", b"> False <")
    )
    page = parsed(data)
    assert (page.sizes, page.modified, page.e_tags) == ([1], [SECONDS - 0.25], ["t"])
    more = "<NextContinuationToken>next</NextContinuationToken>"
    assert parsed(listing(obj(), truncated="True", rest=more)).token == "next"


@pytest.mark.parametrize("step", [None, 1, 7])
def test_names_may_have_prefixes_and_white_space_may_come_first(step: int | None) -> None:
    text = listing(obj("a"), common("b/")).decode()
    text = text.replace("xmlns=", "xmlns:s3=").replace("<?xml", "<:?xml")
    text = (
        text.replace("</", "</s3:").replace("<", "<s3:").replace("<s3:/s3:", "</s3:").replace("<s3::?", "<?")
    )
    page = parsed(b"\n \n" + text.encode(), step=step)
    assert (page.keys, page.e_tags, page.common_prefixes) == (["a"], ["t"], ["b/"])


@pytest.mark.parametrize("missing", ["Key", "Size"])
def test_an_object_never_lacks_its_key_or_its_size(missing: str) -> None:
    data = (
        listing(obj())
        .replace(f"<{missing}>".encode(), b"<Other>", 1)
        .replace(f"</{missing}>".encode(), b"</Other>", 1)
    )
    with pytest.raises(StoreUnavailable, match="unexpected"):
        parsed(data)
