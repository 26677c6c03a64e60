"""Plain objects of a listing, taken without an XML parser: never another listing than with one."""

from __future__ import annotations

from xml.parsers import expat

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.errors import StoreUnavailable
from app.storage.s3.list_objects import take_plain_objects
from app.storage.s3.list_page import ListPage, empty_page
from app.storage.s3.list_xml import ListingParser

TIME = "2022-10-12T17:50:00.250Z"
KEY_TO_TAG = f"<Key>d/a%20b</Key><LastModified>{TIME}</LastModified><ETag>&quot;tag-2&quot;</ETag>"
AWS = (
    f"<Contents>{KEY_TO_TAG}<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
    "<Size>12</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
CEPH = (
    f"<Contents>{KEY_TO_TAG}<Size>12</Size><StorageClass>STANDARD</StorageClass>"
    "<Owner><ID>x</ID><DisplayName>y</DisplayName></Owner><Type>Normal</Type></Contents>"
)
BARE = f"<Contents>{KEY_TO_TAG.replace('&quot;', chr(34))}<Size>12</Size></Contents>"
PLAIN = (AWS, CEPH, BARE)

IRREGULAR = (
    AWS.replace("d/a", "d/ü"),
    AWS.replace("d/a", "d/a&amp;"),
    AWS.replace("d/a", "d/<!-- no -->a"),
    AWS.replace("d/a", "<![CDATA[<Contents>]]>"),
    AWS.replace("<Key>", "<Key >"),
    AWS.replace("<Contents>", "<Contents at='1'>"),
    AWS.replace("<Size>12</Size>", "<Size>12</Size><Size>13</Size>"),
    AWS.replace("<Size>12</Size>", "<Size>9999999999999999999</Size>"),
    AWS.replace("<Size>12</Size>", "<Size> 12</Size>"),
    AWS.replace("<Size>12</Size>", ""),
    AWS.replace("</StorageClass>", "</StorageClass>\n"),
    AWS.replace("</StorageClass>", "</Storageclass>"),
    AWS.replace("STANDARD", "GLACIER"),
    AWS.replace("STANDARD", " DEEP_ARCHIVE "),
    AWS.replace("STANDARD", "").replace("<Size>", "<StorageClass>GLACIER</StorageClass><Size>"),
    AWS.replace("STANDARD", "GL&#65;CIER"),
    AWS.replace(TIME, "yesterday"),
    AWS.replace("&quot;", "&quot;&quot;"),
    AWS.replace("&quot;", ""),
    AWS.replace("a%20b", "a\x01b"),
    AWS.removesuffix("</Contents>"),
)
BETWEEN = (
    "\n  ",
    "text",
    "<CommonPrefixes><Prefix>d/c/</Prefix></CommonPrefixes>",
    f"<!-- {AWS} -->",
    f"<!-- {AWS}",
    f"<?note {AWS} ?>",
    f"<![CDATA[{AWS}]]>",
    f"<![CDATA[{AWS}",
    "]]>",
    "-->",
    f"<Other>{AWS}</Other>",
    f"<Other>{AWS}",
    "</Other>",
    f'<Other x="{AWS}"/>',
    '<Other x=">',
    '"/>',
    "</ListBucketResult>",
    "<ListBucketResult>",
)


_create = expat.ParserCreate


def taken(data: str) -> tuple[int, ListPage]:
    page = empty_page()
    return take_plain_objects(data.encode(), 0, page), page


@pytest.mark.parametrize("one", PLAIN)
def test_objects_as_engines_write_them(one: str) -> None:
    end, page = taken(one * 3 + "<NextContinuationToken>")
    assert end == len(one) * 3
    assert page == ListPage(["d/a%20b"] * 3, [12] * 3, [1665597000.25] * 3, ["tag-2"] * 3, [], None, {})


@pytest.mark.parametrize("place", ["<Size>12</Size>", "</Contents>"])
def test_the_storage_class_is_kept_where_it_is_not_the_usual(place: str) -> None:
    classes = [f"<StorageClass>{name}</StorageClass>" for name in ("GLACIER", "STANDARD", "")]
    texts = [BARE.replace("d/a%20b", str(n)).replace(place, text + place) for n, text in enumerate(classes)]
    end, page = taken("".join(texts))
    assert end == sum(map(len, texts))
    assert page.classes == {"0": "GLACIER"}


@pytest.mark.parametrize("other", [" " + AWS, "", AWS[:-1], *BETWEEN])
def test_what_is_no_object_ends_them(other: str) -> None:
    end, page = taken(AWS + other)
    assert end == len(AWS)
    assert len(page.keys) == 1


def outcome(items: str, step: int) -> ListPage | str:
    parser = ListingParser()
    text = f"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
    data = text.encode()
    try:
        for start in range(0, len(data), step):
            parser.feed(data[start : start + step])
        return parser.page()
    except StoreUnavailable as error:
        return str(error)


class DeferringExpat:
    """An expat that parses nothing until the end. Those that defer (2.6.0 and later, and patched older ones) look
    again at a token that is not all there only when much more of it has come."""

    CurrentByteIndex = -1

    def __init__(self) -> None:
        self._data = bytearray()

    def parse(self, data: bytes, is_final: bool) -> None:
        self._data += data
        if is_final:
            parser = _create()
            for name, value in vars(self).items():
                if not name.startswith("_"):
                    setattr(parser, name, value)
            parser.Parse(bytes(self._data), True)

    Parse = parse


def outcome_by_expat(items: str) -> ListPage | str:
    """In pieces that are too small for an object to begin in them, so that expat sees every byte."""
    return outcome(items, len("<Contents>") - 1)


@given(
    st.lists(st.sampled_from(PLAIN + IRREGULAR + BETWEEN), max_size=8),
    st.integers(1, 1200),
)
@example([BETWEEN[7], AWS, "]]>"], 1200)
@example([BETWEEN[4], AWS, "-->"], 1200)
@example(['<Other x=">', AWS, '"/>'], 1200)
@example(["<Other>", AWS, "</Other>"], 1200)
@example(["</ListBucketResult>", AWS], 1200)
def test_the_page_is_what_expat_makes_of_it(parts: list[str], step: int) -> None:
    items = "".join(parts)
    assert outcome(items, step) == outcome_by_expat(items)


@given(st.lists(st.sampled_from(PLAIN + IRREGULAR + BETWEEN), max_size=8))
@example(["<Contents>"])
@example(["<Contents></Contents>"])
@example([AWS.replace(TIME, "yesterday")])
@example([AWS.replace("12", "much")])
@example(["<![CDATA["])
@example(["<!-- "])
def test_the_page_is_the_same_by_an_expat_that_defers(parts: list[str]) -> None:
    items = "".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expat, "ParserCreate", DeferringExpat)
        deferred = outcome(items, 1)
    assert deferred == outcome_by_expat(items)
