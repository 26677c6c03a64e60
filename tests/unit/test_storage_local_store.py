from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.domain.entries import File, Folder, Link
from app.domain.errors import Moved, NotFound, ObjectChanged, StoreDenied, StoreUnavailable
from app.domain.paths import ROOT, ArtifactPath
from app.storage.local.file import LocalFile
from app.storage.local.store import LocalStore
from tests.support.privileges import run_without_privileges
from tests.support.store_contract import names_of, path_of


class Observations(list[tuple[str, str]]):
    def __call__(self, operation: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.append((operation, outcome))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "www"
    (root / "real" / "sub").mkdir(parents=True)
    (root / "real" / "f.txt").write_bytes(b"content")
    (root / "real" / "sub" / "inner").write_bytes(b"inner")
    return root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A sibling whose name begins with the root's."""
    outside = tmp_path / "www-private"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(b"secret")
    return outside


@pytest.fixture
def seen() -> Observations:
    return Observations()


@pytest.fixture
async def store(root: Path, seen: Observations) -> AsyncIterator[LocalStore]:
    store = LocalStore(root, observe=seen)
    yield store
    await store.aclose()


async def moved(store: LocalStore, text: str) -> ArtifactPath:
    """What a link on the way names; the same for a file's and a folder's use of it."""
    with pytest.raises(Moved) as of_list:
        await store.list_folder(path_of(text).as_folder)
    with pytest.raises(Moved) as of_head:
        await store.head(path_of(text))
    assert of_list.value.target == of_head.value.target.as_folder
    return of_head.value.target


async def assert_absent(store: LocalStore, text: str) -> None:
    with pytest.raises(NotFound):
        await store.list_folder(path_of(text).as_folder)
    with pytest.raises(NotFound):
        await store.head(path_of(text))
    with pytest.raises(NotFound):
        await store.read_small(path_of(text))


@pytest.mark.parametrize(
    ("link", "target", "asked", "real"),
    [
        ("latest", "real", "latest", "real"),
        ("latest", "real", "latest/f.txt", "real/f.txt"),
        ("latest", "real", "latest/sub", "real/sub"),
        ("latest", "real/", "latest/sub/inner", "real/sub/inner"),
        ("link.txt", "real/f.txt", "link.txt", "real/f.txt"),
        ("real/up", "..", "real/up/real/f.txt", "real/f.txt"),
        ("real/home", "../real/..", "real/home", "/"),
        ("latest", "./real//sub/../f.txt", "latest", "real/f.txt"),
        ("real/around", "../../www/real/f.txt", "real/around", "real/f.txt"),
        ("latest", "nowhere", "latest/f", "nowhere/f"),
        ("latest", "real/f.txt/x", "latest", "real/f.txt/x"),
        ("latest", "latest", "latest", "latest"),
    ],
)
async def test_a_link_inside_the_tree_leads_to_what_it_names_there_or_not(
    root: Path, store: LocalStore, link: str, target: str, asked: str, real: str
) -> None:
    (root / link).symlink_to(target)
    assert await moved(store, asked) == path_of(real)


async def test_an_absolute_link_and_a_chain_of_links_lead_on_by_one_hop(
    root: Path, store: LocalStore
) -> None:
    (root / "absolute").symlink_to(root / "real")
    (root / "chain").symlink_to("absolute")
    assert await moved(store, "chain/f.txt") == path_of("absolute/f.txt")
    assert await moved(store, "absolute/f.txt") == path_of("real/f.txt")


async def test_a_link_back_up_from_behind_another_leads_nowhere(root: Path, store: LocalStore) -> None:
    (root / "alias").symlink_to("real/sub")
    (root / "up").symlink_to("alias/../f.txt")  # real/f.txt, by way of a link that nobody would have judged
    await assert_absent(store, "up")


async def test_a_root_that_is_itself_a_link(tmp_path: Path, root: Path, seen: Observations) -> None:
    (tmp_path / "alias").symlink_to(root)
    (root / "latest").symlink_to("real")
    store = LocalStore(tmp_path / "alias", observe=seen)
    assert await moved(store, "latest") == path_of("real")
    assert names_of(await store.list_folder(ROOT)) == {"real/", "latest/"}
    await store.aclose()


async def test_a_relative_root_stays_where_it_was(
    root: Path, seen: Observations, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "latest").symlink_to("real")
    monkeypatch.chdir(root.parent)
    store = LocalStore(Path("www"), observe=seen)
    monkeypatch.chdir("/")
    assert names_of(await store.list_folder(ROOT)) == {"real/", "latest/"}
    await store.aclose()


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("../www-private", "out/secret.txt"),
        ("../www-private/secret.txt", "out"),
        ("../www-private", "out"),
        ("/etc/passwd", "out"),
        ("/", "out/etc/passwd"),
        ("/dev/null", "out"),
        ("real/" + "x" * 300, "out"),
    ],
)
async def test_a_link_that_leads_out_is_not_found(
    root: Path, outside: Path, store: LocalStore, target: str, asked: str
) -> None:
    (root / "out").symlink_to(target)
    with pytest.raises(NotFound):
        await store.list_folder(path_of(asked).as_folder)
    with pytest.raises(NotFound):
        await store.head(path_of(asked))


async def test_links_in_a_listing(root: Path, outside: Path, store: LocalStore) -> None:
    (root / "links").mkdir()
    for name, target in {
        "dir": "../real",
        "file": "../real/f.txt",
        "out-file": "../../www-private/secret.txt",
        "out-dir": "../../www-private",
        "dangling": "nowhere",
        "loop": "loop",
        "device": "/dev/null",
    }.items():
        (root / "links" / name).symlink_to(target)
    with capture_logs() as logs:
        listing = await store.list_folder(path_of("links/"))
    real = await store.head(path_of("real/f.txt"))
    assert set(listing.entries) == {
        Folder("dir", (root / "real").stat().st_mtime),
        File("file", real.size, real.modified, real.e_tag, real.stamp),
    }
    assert set(listing.links) == {
        Link("dir", (path_of("real/"),)),
        Link("file", (path_of("real/f.txt"),)),
    }
    assert set(listing.skipped) == {"out-file", "out-dir", "dangling", "loop", "device"}
    (line,) = logs
    assert (line["event"], line["count"], line["folder"]) == ("entries_skipped", 5, "/links/")
    assert line["examples"]["dangling"] == "link that leads nowhere"
    assert line["examples"]["out-dir"] == "link out of the tree"


async def test_a_link_to_a_file_does_not_make_the_next_one_a_file(root: Path, store: LocalStore) -> None:
    for name, target in (("to-file", "real/f.txt"), ("to-folder", "real"), ("to-nothing", "absent")):
        (root / name).symlink_to(target)
    listing = await store.list_folder(ROOT)
    kinds = {entry.name: entry.is_folder for entry in listing.entries}
    assert kinds == {"real": True, "to-file": False, "to-folder": True}
    assert listing.skipped == ("to-nothing",)


async def test_a_walk_reads_many_small_folders_in_one_call(
    root: Path, store: LocalStore, seen: Observations
) -> None:
    for number in range(50):
        (root / f"{number}").mkdir()
        (root / f"{number}" / "file").write_bytes(b"x")

    async def no_names(_: ArtifactPath) -> tuple[()]:
        return ()

    pages = [page async for page in store.walk(ROOT, "", no_names)]
    assert sum(found.size for page in pages for found in page) > 100
    assert len(pages) == 1
    assert seen == [("list", "ok")] * 2


async def test_a_listing_names_every_hop_of_a_link(root: Path, store: LocalStore) -> None:
    (root / "links").mkdir()
    (root / "links" / "far").symlink_to("../alias/near")
    (root / "links" / "here").symlink_to("near")
    (root / "links" / "near").symlink_to("../real/f.txt")
    (root / "links" / "top").symlink_to("..")
    (root / "alias").symlink_to("links")
    listing = await store.list_folder(path_of("links/"))
    assert {link.name: [hop.text for hop in link.hops] for link in listing.links} == {
        "far": ["alias", "links/near", "real/f.txt"],
        "here": ["links/near", "real/f.txt"],
        "near": ["real/f.txt"],
        "top": [""],
    }


async def test_a_control_file_that_is_a_link_tells_where_it_leads(
    root: Path, store: LocalStore, seen: Observations
) -> None:
    (root / "BUILD-INFO.txt").symlink_to("real/f.txt")
    with pytest.raises(Moved) as caught:
        await store.read_small(path_of("BUILD-INFO.txt"))
    assert caught.value.target == path_of("real/f.txt")
    assert seen == [("get", "moved")]


async def test_special_files_are_skipped_and_not_opened(root: Path, store: LocalStore) -> None:
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "socket"))
        listing = await store.list_folder(ROOT)
        assert names_of(listing) == {"real/"}
        assert set(listing.skipped) == {"fifo", "socket"}
        await assert_absent(store, "fifo")
        await assert_absent(store, "socket")


async def test_a_file_that_turns_into_a_fifo_after_it_was_looked_at(
    root: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "f").write_bytes(b"")
    real_open = os.open

    def swap_then_open(path: str, flags: int, *, dir_fd: int | None = None) -> int:
        if path == "f":
            (root / "f").unlink()
            os.mkfifo(root / "f")
        return real_open(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap_then_open)
    with pytest.raises(NotFound):
        await store.head(path_of("f"))


async def test_a_folder_that_turns_into_a_link_while_it_is_walked_is_not_followed(
    root: Path, outside: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open = os.open

    def swap_then_open(path: str, flags: int, *, dir_fd: int | None = None) -> int:
        if path == "sub":
            (root / "real" / "sub").rename(root / "real" / "sub-away")
            (root / "real" / "sub").symlink_to(outside)
        return real_open(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap_then_open)
    with pytest.raises(NotFound):
        await store.head(path_of("real/sub/secret.txt"))


async def test_names_that_are_not_utf8_are_kept(root: Path, store: LocalStore) -> None:
    name = b"caf\xe9 \xff.bin"
    Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"latin")
    path = ArtifactPath.parse(b"/caf%E9%20%FF.bin")
    assert path.name in names_of(await store.list_folder(ROOT))
    assert await store.read_small(path) == b"latin"


async def test_names_that_no_path_can_hold_are_skipped(root: Path, store: LocalStore) -> None:
    (root / "new\nline").write_bytes(b"")
    (root / "bell\a").mkdir()
    listing = await store.list_folder(ROOT)
    assert names_of(listing) == {"real/"}
    assert set(listing.skipped) == {"new\nline", "bell\a"}


def test_what_may_not_be_read_is_skipped_in_a_listing_and_denied_by_itself(root: Path) -> None:
    for name in ("closed.txt", "open.txt"):
        (root / name).write_bytes(b"x")
    (root / "closed").mkdir()
    (root / "link-to-closed").symlink_to("closed.txt")
    (root / "closed.txt").chmod(0)
    (root / "closed").chmod(0o600)

    async def use() -> None:
        store = LocalStore(root, observe=Observations())
        listing = await store.list_folder(ROOT)
        assert names_of(listing) == {"real/", "open.txt"}
        assert set(listing.skipped) == {"closed.txt", "closed", "link-to-closed"}
        with pytest.raises(StoreDenied):
            await store.head(path_of("closed.txt"))
        with pytest.raises(StoreDenied):
            await store.read_small(path_of("closed.txt"))
        with pytest.raises(StoreDenied):
            await store.head(path_of("closed/x"))
        await store.aclose()

    run_without_privileges(use)


def test_a_folder_that_may_not_be_read_is_denied(root: Path) -> None:
    (root / "real").chmod(0)

    async def use() -> None:
        store = LocalStore(root, observe=Observations())
        with pytest.raises(StoreDenied):
            await store.list_folder(path_of("real/"))
        await store.aclose()

    run_without_privileges(use)
    (root / "real").chmod(0o700)


def test_a_root_that_may_not_be_read_is_denied(root: Path) -> None:
    root.chmod(0)

    async def use() -> None:
        store = LocalStore(root, observe=Observations())
        with pytest.raises(StoreDenied):
            await store.check()
        await store.aclose()

    run_without_privileges(use)
    root.chmod(0o700)


async def test_a_missing_root_is_a_broken_store_and_not_an_empty_one(tmp_path: Path) -> None:
    seen = Observations()
    store = LocalStore(tmp_path / "gone", observe=seen)
    for use in (store.check(), store.list_folder(ROOT), store.head(path_of("f"))):
        with pytest.raises(StoreUnavailable, match="root-missing"):
            await use
    assert seen == [(operation, "root-missing") for operation in ("check", "list", "head")]
    await store.aclose()


async def test_an_input_output_error_is_not_an_absent_file(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> int:
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(os, "open", fail)
    for use in (store.list_folder(path_of("real/")), store.head(path_of("real/f.txt"))):
        with pytest.raises(StoreUnavailable, match="io-error"):
            await use


async def test_the_validator_follows_time_and_size_alone(
    root: Path, tmp_path: Path, store: LocalStore
) -> None:
    stamp = 1_665_597_000_123_456_789
    replica = tmp_path / "replica"
    replica.mkdir()
    for place in (root, replica):
        (place / "f").write_bytes(b"12345")
        os.utime(place / "f", ns=(stamp, stamp))
    other = LocalStore(replica, observe=Observations())
    here, there = await store.head(path_of("f")), await other.head(path_of("f"))
    assert here.e_tag == there.e_tag
    assert here.stamp != there.stamp
    os.utime(root / "f", ns=(stamp, stamp + 1))
    assert (await store.head(path_of("f"))).e_tag != here.e_tag
    await other.aclose()


@pytest.mark.parametrize("in_place", [False, True])
async def test_a_file_replaced_by_one_of_its_size_and_time_is_another(
    root: Path, store: LocalStore, in_place: bool
) -> None:
    (root / "same").write_bytes(b"old")
    times = (root / "same").stat().st_atime_ns, (root / "same").stat().st_mtime_ns
    info = await store.head(path_of("same"))
    new = root / ("same" if in_place else "new")
    new.write_bytes(b"new")
    os.utime(new, ns=times)
    new.rename(root / "same")
    replaced = await store.head(path_of("same"))
    assert replaced.e_tag == info.e_tag
    assert replaced.stamp != info.stamp
    listed = {entry.name: entry for entry in (await store.list_folder(ROOT)).entries}["same"]
    assert isinstance(listed, File)
    assert (listed.e_tag, listed.stamp) == (replaced.e_tag, replaced.stamp)
    with pytest.raises(ObjectChanged):
        async with store.open_range(path_of("same"), info, 0, 3):
            pass


async def test_a_file_that_shrinks_while_it_is_read_has_changed(root: Path, store: LocalStore) -> None:
    (root / "large").write_bytes(b"x" * 2_000_000)
    path = path_of("large")
    info = await store.head(path)
    async with store.open_range(path, info, 0, info.size) as chunks:
        first = await anext(chunks)
        os.truncate(root / "large", len(first))
        with pytest.raises(ObjectChanged):
            await anext(chunks)


async def test_a_file_that_is_rewritten_while_it_is_read_has_changed(root: Path, store: LocalStore) -> None:
    (root / "large").write_bytes(b"x" * 2_000_000)
    path = path_of("large")
    info = await store.head(path)
    async with store.open_range(path, info, 0, info.size) as chunks:
        assert await anext(chunks)
        with (root / "large").open("r+b") as file:
            file.seek(1_000_000)
            file.write(b"y")
        os.utime(root / "large", ns=(0, 1))
        with pytest.raises(ObjectChanged):
            await anext(chunks)


async def test_a_file_that_is_swapped_for_another_is_read_to_its_own_end(
    root: Path, store: LocalStore
) -> None:
    (root / "large").write_bytes(b"x" * 2_000_000)
    path = path_of("large")
    info = await store.head(path)
    async with store.open_range(path, info, 0, info.size) as chunks:
        first = await anext(chunks)
        (root / "new").write_bytes(b"y" * 2_000_000)
        (root / "new").replace(root / "large")
        rest = b"".join([chunk async for chunk in chunks])
    assert first + rest == b"x" * 2_000_000


def open_descriptors_of(path: Path) -> int:
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found += descriptor.readlink() == path
        except FileNotFoundError:
            continue
    return found


async def has_closed(path: Path) -> None:
    while open_descriptors_of(path):
        await asyncio.sleep(0.005)


async def test_leaving_early_gives_the_file_back(root: Path, store: LocalStore) -> None:
    (root / "large").write_bytes(b"x" * 2_000_000)
    info = await store.head(path_of("large"))
    async with store.open_range(path_of("large"), info, 0, info.size) as chunks:
        assert await anext(chunks)
        assert open_descriptors_of(root / "large") == 1
    await has_closed(root / "large")


async def read_whole(store: LocalStore, text: str) -> bytes:
    info = await store.head(path_of(text))
    async with store.open_range(path_of(text), info, 0, info.size) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def test_a_reader_cancelled_in_a_slow_read_gives_the_file_back_after_it(
    root: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()
    real_pread = os.pread

    def slow_pread(descriptor: int, length: int, offset: int) -> bytes:
        reading.set()
        assert go_on.wait(10)
        return real_pread(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", slow_pread)
    task = asyncio.create_task(read_whole(store, "real/f.txt"))
    await asyncio.to_thread(reading.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert open_descriptors_of(root / "real" / "f.txt") == 1
    go_on.set()
    await has_closed(root / "real" / "f.txt")


async def test_what_is_opened_for_a_reader_that_was_cancelled_is_closed(
    root: Path, store: LocalStore, seen: Observations, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, go_on = threading.Event(), threading.Event()
    info = await store.head(path_of("real/f.txt"))
    real_info = LocalFile.info

    def slow_info(file: LocalFile) -> object:
        opened.set()
        assert go_on.wait(10)
        return real_info(file)

    monkeypatch.setattr(LocalFile, "info", slow_info)

    async def enter() -> None:
        async with store.open_range(path_of("real/f.txt"), info, 0, info.size):
            pytest.fail("entered after cancellation")

    task = asyncio.create_task(enter())
    await asyncio.to_thread(opened.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await has_closed(root / "real" / "f.txt")
    assert seen[-1] == ("get", "cancelled")


async def test_a_slow_disk_does_not_stop_the_event_loop(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    real_scandir = os.scandir

    def slow_scandir(folder: int) -> object:
        assert go_on.wait(10), "the event loop stood still"
        assert threading.current_thread().name.startswith("local-store")
        return real_scandir(folder)

    monkeypatch.setattr(os, "scandir", slow_scandir)
    listing = asyncio.create_task(store.list_folder(path_of("real/")))
    await asyncio.sleep(0)
    go_on.set()  # reached only if the loop still turns
    assert names_of(await listing) == {"f.txt", "sub/"}


async def test_an_io_error_behind_a_link_is_no_absence(
    root: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "link").symlink_to("real")

    def broken(path: str, *, dir_fd: int) -> str:
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(os, "readlink", broken)
    with pytest.raises(StoreUnavailable, match="io-error"):
        await store.list_folder(path_of("link/"))
    with pytest.raises(StoreUnavailable, match="io-error"):
        await store.head(path_of("link"))


async def test_an_io_error_behind_a_listed_link_leaves_it_out(
    root: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "link").symlink_to("real")

    def broken(path: str, *, dir_fd: int) -> str:
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(os, "readlink", broken)
    listing = await store.list_folder(ROOT)
    assert (names_of(listing), listing.skipped) == ({"real/"}, ("link",))


async def test_there_are_no_presigned_urls(store: LocalStore) -> None:
    url = await store.presign(
        path_of("real/f.txt"), fields={"Content-Type": "a/b", "Content-Disposition": "inline"}, expires=9
    )
    assert url is None


async def test_each_call_is_observed_once(store: LocalStore, seen: Observations) -> None:
    await store.check()
    await store.list_folder(ROOT)
    await read_whole(store, "real/f.txt")
    await store.read_small(path_of("real/f.txt"))
    path = path_of("real/f.txt")
    assert store.quick_reader(path, await store.head(path))() == b"content"
    store.quick_reader(path_of("absent"), await store.head(path))()
    made = ("check", "list", "head", "get", "get", "head", "get", "head")
    assert seen == [(operation, "ok") for operation in made]
