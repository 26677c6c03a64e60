"""Folders as archives: what each may have, streamed, and only where the operator allows it."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator

import httpx
import pytest
from backports import zstd

from app.domain.errors import StoreUnavailable
from app.responses.archive_stream import ARCHIVE_FORMS, LEFT_OUT
from tests.support.answers import member, problem
from tests.support.memory_store import MemoryStore
from tests.support.served_store import Site, serve_store
from tests.support.site_trees import MemoryTree, client_of

POLICY = """
[[rule]]
path = "d/secret"
tier = "private"
groups = ["staff"]
visibility = "hidden"
[[rule]]
path = "d/shown"
tier = "private"
groups = ["staff"]
visibility = "listed"
"""
LONG = "n" * 150 + "/" + "m" * 200
FILES = {
    "a.img": b"A" * 100_000,
    "sub/b": b"B",
    "sub/caf\u00e9 \udcff": b"odd",
    "empty": b"",
    LONG: b"long",
    "x" * 512: b"x",
}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    tree = MemoryTree()
    for name, content in FILES.items():
        if len(name) < 400:
            tree.put(f"d/{name}", content, modified=1e9)
    tree.put("d/secret/s", b"secret")
    tree.put("d/licensed/l", b"licensed")
    tree.put("d/licensed/EULA.txt", b"Be nice.")
    tree.put("d/shown/s", b"shown")
    tree.put("d/broken/BUILD-INFO.txt", b"nonsense")
    tree.put("d/broken/b")
    tree.put("d/latest/.s3_linked_from", b"d/sub")
    with client_of(tree.app(policy=POLICY, archives="on")) as client:
        yield client


def archive(client: httpx.Client, form: str = "tar", **headers: str) -> dict[str, bytes]:
    answer = client.get(f"/d/?archive={form}", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="d.{form}"'
    if form == "zip":
        assert answer.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as zipped:
            assert zipped.testzip() is None
            return {
                one.filename.replace("%FF", "\udcff"): zipped.read(one)
                for one in zipped.infolist()
                if not one.is_dir()
            }
    body = zstd.decompress(answer.content) if form == "tar.zst" else answer.content
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar if one.isfile()}  # type: ignore[union-attr]


@pytest.mark.parametrize("form", ARCHIVE_FORMS)
def test_it_has_all_that_is_open_and_names_what_is_not(client: httpx.Client, form: str) -> None:
    found = archive(client, form)
    assert found.pop(f"d/{LEFT_OUT}") == b"d/broken/\nd/latest/\nd/licensed/l\nd/shown/\n"
    assert found == {f"d/{name}": content for name, content in FILES.items() if len(name) < 400}


@pytest.mark.parametrize("form", ARCHIVE_FORMS)
def test_it_has_more_for_those_who_may_have_more(client: httpx.Client, form: str) -> None:
    digest = client.get("/api/license/d/licensed/l").json()["licenses"][0]["digest"]
    found = archive(client, form, **member("staff"), **{"License-Accepted": digest})
    assert (found["d/secret/s"], found["d/licensed/l"]) == (b"secret", b"licensed")
    assert found[f"d/{LEFT_OUT}"] == b"d/broken/\nd/latest/\n"


@pytest.mark.parametrize("form", ARCHIVE_FORMS)
def test_it_is_the_same_each_time(client: httpx.Client, form: str) -> None:
    assert client.get(f"/d/?archive={form}").content == client.get(f"/d/?archive={form}").content


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("folder", ["nothing", "d/secret", "d/a.img"])
def test_there_is_none_of_what_is_not_a_folder_for_the_client(
    client: httpx.Client, folder: str, method: str
) -> None:
    assert client.request(method, f"/{folder}/?archive=tar").status_code == 404


def test_head_sends_nothing(client: httpx.Client) -> None:
    answer = client.head("/d/?archive=tar")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("form", ["rar", ""])
def test_another_form_is_refused(client: httpx.Client, form: str) -> None:
    assert problem(client.get(f"/d/?archive={form}")) == (400, "bad-parameter")


def test_it_is_off_unless_it_is_switched_on(site: Site) -> None:
    site.store.put("d/f", b"F")
    assert problem(site.http.get("/d/?archive=tar")) == (400, "bad-parameter")
    assert site.store.calls == []


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_a_storage_that_fails_half_way_breaks_the_connection(form: str) -> None:
    store = MemoryStore()
    store.put("d/a", b"A")
    store.put("d/b", b"B")
    with serve_store(store, archives="on") as site:
        store.fail_on("get", StoreUnavailable("timeout"), path="d/b")
        with pytest.raises(httpx.RemoteProtocolError):
            site.http.get(f"/d/?archive={form}")


def test_the_list_of_what_is_left_out_gives_way_to_files_of_its_name() -> None:
    tree = MemoryTree()
    tree.put(f"d/{LEFT_OUT}", b"mine")
    tree.put(f"d/_{LEFT_OUT}", b"mine too")
    tree.put("d/licensed/l", b"licensed")
    tree.put("d/licensed/EULA.txt", b"Be nice.")
    with client_of(tree.app(archives="on")) as client:
        assert archive(client) == {
            f"d/{LEFT_OUT}": b"mine",
            f"d/_{LEFT_OUT}": b"mine too",
            f"d/__{LEFT_OUT}": b"d/licensed/l\n",
        }
