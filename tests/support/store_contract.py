"""What every store must do: subclasses name the store by a `tree` fixture.

class TestMyStore(StoreContract):
    @pytest.fixture
    async def tree(self) -> AsyncIterator[PlantedTree]: ...
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import pytest

from app.domain.entries import Digest, Entry, File, FileInfo, Folder, Found, Listing
from app.domain.errors import NotFound, ObjectChanged
from app.domain.paths import ROOT, ArtifactPath
from app.storage.store import CONTROL_FILE_LIMIT, ObjectStore
from tests.support.aws import Bucket

ODD_NAMES = (
    "a b",
    "a+b",
    "100%",
    "%41",
    "a%2Fb",
    "a#b",
    "a?b",
    "a&b=c",
    "a;b,c:d@e",
    "[a]*{b}|^`",
    "~user",
    "u\u0308-decomposed",
    "\u00fc-composed",
    "\u00fc-\u65e5\u672c",
    "\U0001f680",
    "'single' \"double\"",
    "&<>\"'",
    "&amp;",
    "back\\slash",
    ".hidden",
    "...",
    "..a",
    "trailing ",
    " leading",
    "x" * 255,
    "\u00e9" * 127 + "x",
)
LONGEST = "y" * 255
LARGE = b"".join(hashlib.sha256(n.to_bytes(4)).digest() for n in range(3 * 1024 * 1024 // 32))


class Planter(Protocol):
    """A test's own hand in the tree of the store under test."""

    async def plant(self, key: str, content: bytes = b"") -> None:
        """Put a file there; a key that ends in `/` is an empty folder."""

    async def plant_many(self, keys: list[str]) -> None:
        """Put many empty files there."""

    async def remove(self, key: str) -> None:
        """Take a file away."""


@dataclass(frozen=True)
class PlantedTree:
    """A store and a hand in its tree, which is empty at first."""

    store: ObjectStore
    hand: Planter

    async def names(self, folder: str) -> set[str]:
        """What a folder lists; folders end in `/`."""
        listing = await self.store.list_folder(ArtifactPath.from_text(folder))
        return names_of(listing)

    async def list_names(self, path: ArtifactPath) -> Sequence[Entry]:
        """As a walk wants it."""
        return (await self.store.list_folder(path)).entries

    async def walked(self, folder: str = "/", *, after: str = "") -> list[str]:
        """The paths of a walk, in the order in which they come."""
        return [
            found.folder.child(entry.name, is_folder=entry.is_folder).text
            async for page in self.store.walk(path_of(folder), after, self.list_names)
            for found in page
            for entry in entries_of(found)
        ]

    async def whole(self, path: str) -> bytes:
        """A file's bytes, read as a download reads them."""
        info = await self.store.head(ArtifactPath.from_text(path))
        return await self.span(path, info, 0, info.size)

    async def span(self, path: str, info: FileInfo, first: int, length: int) -> bytes:
        """Some of a file's bytes."""
        async with self.store.open_range(ArtifactPath.from_text(path), info, first, length) as chunks:
            return b"".join([chunk async for chunk in chunks])


def entries_of(found: Found) -> list[Entry]:
    """The files and the sub-folder, in their order."""
    return [*found.files, *([found.sub_folder] if found.sub_folder else [])]


def names_of(listing: Listing) -> set[str]:
    """The names in a listing, without doubles; folders end in `/`."""
    names = [entry.name + "/" if entry.is_folder else entry.name for entry in listing.entries]
    assert len(names) == len(set(names))
    return set(names)


def path_of(text: str) -> ArtifactPath:
    """Shorthand."""
    return ArtifactPath.from_text(text)


SPELLED = ("lic/fw.img", "lic/12", "lic/sub/x", "u/\u00fc.img", "\u00fc/f", "top/a-b/c.d/f")
"""What is there."""
SPELLED_OTHERWISE = (
    *("LIC/fw.img", "Lic/Sub/x", "lic/FW.img", "lic/fw.IMG", "lic/sub/X", "top/A-b/c.d/f", "top/a-b/c.D/f"),
    *("lic\\fw.img", "lic\\sub/x", "lic\\sub\\x", "top/a-b\\c.d/f", "lic/sub\\x"),
    *("u/u\u0308.img", "u\u0308/f", "U/\u00dc.img"),
    *("lic/fw.img.", "lic/12.", "lic/sub./x", "lic./fw.img"),
)
"""What an engine or a file system may take for the same."""


class SpellingContract:
    """What holds for every store, whatever lies beneath it: a path has one spelling."""

    async def test_what_is_spelled_otherwise_is_not_there(self, tree: PlantedTree) -> None:
        for key in SPELLED:
            await tree.hand.plant(key, key.encode())
        for wrong in map(path_of, SPELLED_OTHERWISE):
            with pytest.raises(NotFound):
                await tree.store.head(wrong)
            with pytest.raises(NotFound):
                await tree.store.read_small(wrong)
        for folder in {wrong.parent for wrong in map(path_of, SPELLED_OTHERWISE)}:
            if folder not in {path_of(key).parent for key in SPELLED} | {ROOT, path_of("top/a-b/")}:
                with pytest.raises(NotFound):
                    await tree.store.list_folder(folder)
                assert await tree.walked(folder.text) == []

    async def test_what_is_spelled_as_it_is_stored_is_there(self, tree: PlantedTree) -> None:
        for key in SPELLED:
            await tree.hand.plant(key, key.encode())
        for key in SPELLED:
            path = path_of(key)
            assert await tree.whole(key) == await tree.store.read_small(path) == key.encode()
            assert path.name in await tree.names(path.parent.text)
        assert await tree.names("/") == {"lic/", "u/", "\u00fc/", "top/"}
        assert await tree.walked("top/") == ["top/a-b/", "top/a-b/c.d/", "top/a-b/c.d/f"]


class StoreContract(SpellingContract):
    """The tests that hold for every store."""

    async def test_the_root_exists_even_when_empty(self, tree: PlantedTree) -> None:
        assert await tree.store.list_folder(ROOT) == Listing(ROOT, ())

    async def test_lists_files_and_folders_of_one_level_only(self, tree: PlantedTree) -> None:
        await tree.hand.plant("top.txt", b"12345")
        await tree.hand.plant("a/b/deep.txt", b"deep")
        assert await tree.names("/") == {"top.txt", "a/"}
        assert await tree.names("a/") == {"b/"}
        assert await tree.names("a/b/") == {"deep.txt"}

    async def test_listed_file_tells_what_head_tells(self, tree: PlantedTree) -> None:
        await tree.hand.plant("d/f.bin", b"12345")
        (entry,) = (await tree.store.list_folder(path_of("d/"))).entries
        info = await tree.store.head(path_of("d/f.bin"))
        assert isinstance(entry, File)
        assert (entry.size, entry.e_tag) == (5, info.e_tag)
        assert entry.modified is not None
        assert info.modified is not None
        assert int(entry.modified) == int(info.modified)
        assert info.e_tag is not None
        assert '"' not in info.e_tag
        assert info.content_type is None

    async def test_a_folder_asked_for_without_its_slash_is_the_same_folder(self, tree: PlantedTree) -> None:
        await tree.hand.plant("d/f")
        assert await tree.store.list_folder(path_of("d")) == await tree.store.list_folder(path_of("d/"))

    async def test_an_empty_folder_is_a_listing_without_entries(self, tree: PlantedTree) -> None:
        await tree.hand.plant("empty/")
        assert await tree.store.list_folder(path_of("empty/")) == Listing(path_of("empty/"), ())
        assert await tree.names("/") == {"empty/"}

    async def test_what_is_no_folder_is_not_found(self, tree: PlantedTree) -> None:
        await tree.hand.plant("releases/1/f.txt")
        await tree.hand.plant("f.txt")
        for folder in ("missing/", "rel/", "release/", "release/1/2/", "f.txt/", "f.txt/x/"):
            with pytest.raises(NotFound):
                await tree.store.list_folder(path_of(folder))

    async def test_what_is_no_file_is_not_found(self, tree: PlantedTree) -> None:
        await tree.hand.plant("d/file", b"content")
        info = await tree.store.head(path_of("d/file"))
        for file in ("missing", "d", "d/", "d/fil", "d/file/", "d/file/x", LONGEST, f"{LONGEST}/" * 5):
            with pytest.raises(NotFound):
                await tree.store.head(path_of(file))
            with pytest.raises(NotFound):
                await tree.store.read_small(path_of(file))
            with pytest.raises(NotFound):
                await tree.span(file, info, 0, 1)

    async def test_names_that_no_store_of_text_can_hold_are_not_found(self, tree: PlantedTree) -> None:
        missing = ArtifactPath.parse(b"/%FF%FE")
        with pytest.raises(NotFound):
            await tree.store.head(missing)
        with pytest.raises(NotFound):
            await tree.store.list_folder(missing.as_folder)

    async def test_odd_names_of_folders_are_listed_and_entered_alike(self, tree: PlantedTree) -> None:
        for name in ODD_NAMES:
            await tree.hand.plant(f"folders/{name}/inner {name[:9]}", name.encode())
        assert await tree.names("folders/") == {name + "/" for name in ODD_NAMES}
        for name in ODD_NAMES:
            assert await tree.names(f"folders/{name}/") == {f"inner {name[:9]}"}

    async def test_odd_names_of_files_are_listed_and_fetched_alike(self, tree: PlantedTree) -> None:
        for name in ODD_NAMES:
            await tree.hand.plant(f"odd/{name}", name.encode())
        assert await tree.names("odd/") == set(ODD_NAMES)
        for name in ODD_NAMES:
            assert await tree.whole(f"odd/{name}") == name.encode()
            assert await tree.store.read_small(path_of(f"odd/{name}")) == name.encode()
        for absent in ("A", "a", "a/b", "user", "back", "trailing", "\u00fc"):
            with pytest.raises(NotFound):
                await tree.store.head(path_of(f"odd/{absent}"))

    async def test_2500_files_are_listed_and_walked_to_the_end(self, tree: PlantedTree) -> None:
        expected = {f"build {number}+{number % 7}.img" for number in range(2500)}
        await tree.hand.plant_many([f"many/{name}" for name in expected])
        await tree.hand.plant("many/z-folder/last")
        assert await tree.names("many/") == expected | {"z-folder/"}
        walked = sorted(f"many/{name}" for name in expected | {"z-folder/", "z-folder/last"})
        assert await tree.walked("many/") == walked
        pages = [
            sum(found.size for found in page) async for page in tree.store.walk(ROOT, "", tree.list_names)
        ]
        assert max(pages) <= 1001
        async with aclosing(tree.store.walk(ROOT, "", tree.list_names)) as stopped_early:
            page = await anext(stopped_early)
        assert [entry.name for entry in entries_of(page[0])] == ["many"]

    async def test_a_walk_is_everything_below_a_folder_in_byte_order(self, tree: PlantedTree) -> None:
        keys = ["a/x", "a/b/c", "a-b", "a0", "b", "a/b-c", "\u00fc/f", "\U0001f680", "a/B", "z/"]
        await tree.hand.plant_many([key for key in keys if not key.endswith("/")])
        await tree.hand.plant("z/")
        assert await tree.walked() == [
            *("a-b", "a/", "a/B", "a/b-c", "a/b/", "a/b/c", "a/x", "a0", "b", "z/"),
            *("\u00fc/", "\u00fc/f", "\U0001f680"),
        ]
        assert await tree.walked("a/b/") == ["a/b/c"]
        assert await tree.walked("z/") == []
        assert await tree.walked("missing/") == []

    async def test_a_walk_tells_what_listings_tell(self, tree: PlantedTree) -> None:
        for name in ODD_NAMES:
            await tree.hand.plant(f"odd/{name[:80]}/{name}", name.encode())
        walked: dict[ArtifactPath, set[Entry]] = {}
        async for page in tree.store.walk(ROOT, "", tree.list_names):
            for found in page:
                assert not found.others
                walked.setdefault(found.folder, set()).update(entries_of(found))
        for folder, entries in walked.items():
            assert set((await tree.store.list_folder(folder)).entries) == entries
        assert len(walked) == 2 + len(ODD_NAMES)

    async def test_a_walk_goes_on_behind_any_place(self, tree: PlantedTree) -> None:
        await tree.hand.plant_many(["a/b/c", "a/b/d", "a/b-", "a/b.x/y", "c/d", "c~d/e", "c~d/f", "c~", "d"])
        whole = await tree.walked()
        for number, path in enumerate(whole):
            assert await tree.walked(after=path) == whole[number + 1 :]
        assert await tree.walked("a/", after="a/b/c") == ["a/b/d"]
        for gone in ("a/b/cc", "a/a", "c/", "b", "c~c", "\u00fc", f"{LONGEST}/" * 5, "c~d/\udcff"):
            expected = [path for path in whole if path.encode() > gone.encode("utf-8", "surrogateescape")]
            assert await tree.walked(after=gone) == expected

    async def test_no_checksum_is_told_that_was_not_stored(self, tree: PlantedTree) -> None:
        await tree.hand.plant("f", b"content")
        assert (await tree.store.head(path_of("f"))).digests == ()

    async def test_a_span_is_exactly_the_bytes_asked_for(self, tree: PlantedTree) -> None:
        await tree.hand.plant("large.bin", LARGE)
        info = await tree.store.head(path_of("large.bin"))
        end = len(LARGE)
        for first, length in [
            (0, 1),
            (0, 10),
            (9, 1),
            (end - 1, 1),
            (end - 300_000, 300_000),
            (1, 2_000_000),
        ]:
            assert await tree.span("large.bin", info, first, length) == LARGE[first : first + length]

    async def test_a_large_file_comes_whole_in_bounded_chunks(self, tree: PlantedTree) -> None:
        await tree.hand.plant("large.bin", LARGE)
        info = await tree.store.head(path_of("large.bin"))
        assert info.size == len(LARGE)
        async with tree.store.open_range(path_of("large.bin"), info, 0, info.size) as chunks:
            received = [chunk async for chunk in chunks]
        assert b"".join(received) == LARGE
        assert max(map(len, received)) <= 1024 * 1024

    async def test_reading_may_stop_early(self, tree: PlantedTree) -> None:
        await tree.hand.plant("large.bin", LARGE)
        info = await tree.store.head(path_of("large.bin"))
        async with tree.store.open_range(path_of("large.bin"), info, 0, info.size) as chunks:
            first = await anext(chunks)
        assert LARGE.startswith(first)
        assert await tree.span("large.bin", info, 5, 5) == LARGE[5:10]

    async def test_reading_may_not_begin_at_all(self, tree: PlantedTree) -> None:
        await tree.hand.plant("large.bin", LARGE)
        info = await tree.store.head(path_of("large.bin"))
        async with tree.store.open_range(path_of("large.bin"), info, 0, info.size):
            pass
        assert await tree.span("large.bin", info, 5, 5) == LARGE[5:10]

    async def test_a_replaced_file_is_not_mixed_with_the_old_one(self, tree: PlantedTree) -> None:
        await tree.hand.plant("f", b"old")
        info = await tree.store.head(path_of("f"))
        await tree.hand.plant("f", b"new and longer")
        for first, length in [(0, 3), (0, 1), (2, 1)]:
            with pytest.raises(ObjectChanged):
                await tree.span("f", info, first, length)

    async def test_a_file_replaced_by_a_shorter_one_has_changed(self, tree: PlantedTree) -> None:
        await tree.hand.plant("f", b"old and longer")
        info = await tree.store.head(path_of("f"))
        await tree.hand.plant("f", b"new")
        with pytest.raises(ObjectChanged):
            await tree.span("f", info, 8, 2)

    async def test_a_removed_file_is_not_found(self, tree: PlantedTree) -> None:
        await tree.hand.plant("f", b"old")
        info = await tree.store.head(path_of("f"))
        await tree.hand.remove("f")
        with pytest.raises(NotFound):
            await tree.span("f", info, 0, 3)
        with pytest.raises(NotFound):
            await tree.store.head(path_of("f"))

    async def test_an_empty_file_is_a_file(self, tree: PlantedTree) -> None:
        await tree.hand.plant("d/empty")
        assert (await tree.store.head(path_of("d/empty"))).size == 0
        assert await tree.store.read_small(path_of("d/empty")) == b""

    async def test_a_control_file_is_read_whole_up_to_its_limit(self, tree: PlantedTree) -> None:
        await tree.hand.plant("fits", b"x" * CONTROL_FILE_LIMIT)
        await tree.hand.plant("does-not", b"x" * (CONTROL_FILE_LIMIT + 1))
        assert len(await tree.store.read_small(path_of("fits"))) == CONTROL_FILE_LIMIT
        with pytest.raises(ValueError):
            await tree.store.read_small(path_of("does-not"))

    async def test_check_of_a_store_that_answers(self, tree: PlantedTree) -> None:
        await tree.store.check()


class S3Contract(StoreContract):
    """What holds for S3 engines beyond that."""

    async def test_a_checksum_that_was_stored_with_a_file_is_told(self, tree: PlantedTree) -> None:
        assert isinstance(tree.hand, Bucket)
        digest = hashlib.sha256(b"content").digest()
        for key in ("d/f", "d/a%7Eb"):
            await tree.hand.client.put_object(
                Bucket=tree.hand.name, Key=key, Body=b"content", Metadata={"sha256": digest.hex()}
            )
            path = path_of(key.replace("%7E", "~"))
            assert (await tree.store.head(path)).digests == (Digest("sha-256", digest),)

    async def test_a_key_and_a_prefix_of_one_name_both_appear(self, tree: PlantedTree) -> None:
        await tree.hand.plant("d/both", b"file")
        await tree.hand.plant("d/both/inner", b"inner")
        listing = await tree.store.list_folder(path_of("d/"))
        assert names_of(listing) == {"both", "both/"}
        assert Folder("both") in listing.entries
        assert await tree.whole("d/both") == b"file"
        assert await tree.names("d/both/") == {"inner"}

    async def test_a_marker_is_not_an_entry_of_its_own_folder(self, tree: PlantedTree) -> None:
        await tree.hand.plant("d/")
        await tree.hand.plant("d/f")
        assert await tree.names("d/") == {"f"}
        with pytest.raises(NotFound):
            await tree.store.head(path_of("d/"))

    async def test_unreachable_keys_do_not_break_a_listing(self, tree: PlantedTree) -> None:
        unreachable = [
            "/leading",
            "//",
            "d//twice",
            "d/./dot",
            "d/../dots",
            "d/bell\ax",
            "d/tab\tx",
            "d/..",
        ]
        await tree.hand.plant_many(unreachable)
        await tree.hand.plant("d/good")
        assert await tree.names("/") == {"d/"}
        listing = await tree.store.list_folder(path_of("d/"))
        assert names_of(listing) == {"good"}
        assert set(listing.skipped) == {"", ".", "..", "bell\ax", "tab\tx"}

    async def test_a_walk_has_a_key_and_a_prefix_of_one_name(self, tree: PlantedTree) -> None:
        await tree.hand.plant_many(["d/both", "d/both-", "d/both/inner"])
        await tree.hand.plant("d/")
        assert await tree.walked() == ["d/", "d/both", "d/both-", "d/both/", "d/both/inner"]

    async def test_a_walk_tells_of_unreachable_keys_and_goes_on(self, tree: PlantedTree) -> None:
        await tree.hand.plant_many(
            ["/leading", "//", "d//twice", "d//again", "d/./dot", "d/bell\ax", "d/..", "d/z"]
        )
        assert await tree.walked() == ["d/", "d/z"]
        skipped = [
            (found.folder.text, other.name)
            async for page in tree.store.walk(ROOT, "", tree.list_names)
            for found in page
            for other in found.others
        ]
        assert skipped == [("", ""), ("d/", ".."), ("d/", "."), ("d/", ""), ("d/", "bell\ax")]

    @pytest.mark.parametrize(
        "keys",
        [
            ["%7Egroup/old", "%7Egroup/both", "~group/both", "~group/new", "a", "z/f"],
            ["d/a%7Eb", "d/a-b", "d/a~b", "d/a%7Ec", "d/az", "e"],
            ["d/%7Eu/x/y%7Ez", "d/%7Eu/x/y", "d/%7Eu/x-", "d/~u/x/w", "d/k/l", "d/m~/n", "d/m~/o~p"],
            ["a~b/c", "a~b/d%7Ee", "a~c"],
            ["d/p%7E1.EULA.txt", "~g/p%7E1.EULA.txt", "~g/f"],
        ],
    )
    async def test_a_walk_has_legacy_tildes_where_their_paths_belong(
        self, tree: PlantedTree, keys: list[str]
    ) -> None:
        await tree.hand.plant_many(keys)
        expected = sorted(await self._listed_below(tree, ROOT), key=str.encode)
        assert await tree.walked() == expected
        for number, path in enumerate(expected):
            assert await tree.walked(after=path) == expected[number + 1 :]
            if path.endswith("/"):
                below = [other for other in expected if other.startswith(path) and other != path]
                assert await tree.walked(path) == below

    async def _listed_below(self, tree: PlantedTree, folder: ArtifactPath) -> list[str]:
        paths = []
        for entry in (await tree.store.list_folder(folder)).entries:
            path = folder.child(entry.name, is_folder=entry.is_folder)
            paths += [path.text, *(await self._listed_below(tree, path) if entry.is_folder else ())]
        return paths

    async def test_legacy_tilde_is_shown_and_reached_as_tilde(self, tree: PlantedTree) -> None:
        await tree.hand.plant("d/pkg_1.0%7Erc1.deb", b"legacy")
        assert await tree.names("d/") == {"pkg_1.0~rc1.deb"}
        assert await tree.whole("d/pkg_1.0~rc1.deb") == b"legacy"
        assert await tree.store.read_small(path_of("d/pkg_1.0~rc1.deb")) == b"legacy"

    async def test_an_object_has_one_name_only(self, tree: PlantedTree) -> None:
        await tree.hand.plant("%7Egroup/f", b"legacy")
        with pytest.raises(NotFound):
            await tree.store.head(path_of("%7Egroup/f"))
        with pytest.raises(NotFound):
            await tree.store.list_folder(path_of("%7Egroup/"))

    async def test_both_spellings_of_a_folder_are_merged(self, tree: PlantedTree) -> None:
        await tree.hand.plant("%7Egroup/old", b"legacy")
        await tree.hand.plant("%7Egroup/both", b"legacy")
        await tree.hand.plant("~group/both", b"literal")
        await tree.hand.plant("~group/new", b"literal")
        assert await tree.names("/") == {"~group/"}
        assert await tree.names("~group/") == {"old", "both", "new"}
        assert await tree.whole("~group/old") == b"legacy"
        assert await tree.whole("~group/both") == b"literal"

    async def test_the_literal_spelling_is_listed_as_it_is_fetched(self, tree: PlantedTree) -> None:
        await tree.hand.plant("d/a%7Eb", b"legacy spelling")
        await tree.hand.plant("d/a~b", b"literal")
        (entry,) = (await tree.store.list_folder(path_of("d/"))).entries
        assert isinstance(entry, File)
        assert entry.e_tag == (await tree.store.head(path_of("d/a~b"))).e_tag
        assert await tree.whole("d/a~b") == b"literal"

    async def test_mixed_spellings_are_skipped_because_nothing_reaches_them(self, tree: PlantedTree) -> None:
        await tree.hand.plant("%7Egroup/a~b")
        listing = await tree.store.list_folder(path_of("~group/"))
        assert (listing.entries, listing.skipped) == ((), ("a~b",))

    async def test_the_longest_key_is_served_and_a_longer_one_is_not_found(self, tree: PlantedTree) -> None:
        folder = "/".join(["d" * 200] * 4)
        longest = f"{folder}/{'f' * (1024 - len(folder) - 1)}"
        await tree.hand.plant(longest, b"long")
        assert await tree.whole(longest) == b"long"
        with pytest.raises(NotFound):
            await tree.store.head(path_of(longest + "f"))
