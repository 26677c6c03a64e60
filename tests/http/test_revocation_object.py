"""A list of revoked ids in a bucket, from the command line to every replica."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.auth import revocation_object
from app.cli import main
from app.cli.checks import check_all
from app.config import ConfigError, load_settings
from tests.support.answers import SCRIPT, problem
from tests.support.aws import BUCKET, open_bucket, point_aws_at, run_moto
from tests.support.live_server import SECRET, app_for, token
from tests.support.site_policies import MEMBERS_AND_VAULT
from tests.support.site_trees import client_of
from tests.support.waiting import wait_until

LIST = f"s3://{BUCKET}/own/revoked"
PRIVATE = "/members/plan.txt"


async def plant(**more: bytes) -> None:
    """A bucket with a private file of the site, and objects below `own/`."""
    async with open_bucket() as bucket:
        await bucket.plant(f"site{PRIVATE}", b"content")
        for name, content in more.items():
            await bucket.plant(f"own/{name}", content)


@pytest.fixture(autouse=True)
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with run_moto() as endpoint:
        point_aws_at(monkeypatch, endpoint)
        monkeypatch.setattr(revocation_object, "READ_SECONDS", 0.05)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "pierhead.toml").write_text(f'secret_keys = ["{SECRET}"]\nrevoked_file = "{LIST}"\n')
        asyncio.run(plant())
        yield


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token('staff', now=time.time(), id=name)}"} | SCRIPT


def is_refused(client: httpx.Client, headers: dict[str, str]) -> bool:
    return client.get(PRIVATE, headers=headers).status_code == 401


def test_a_token_that_is_revoked_ends_on_every_replica(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(plant(revoked=b"# none yet\n"))
    with ExitStack() as stack:
        replicas = [
            stack.enter_context(
                client_of(
                    app_for(
                        f"s3://{BUCKET}/site", policy=MEMBERS_AND_VAULT, revoked_file=LIST, delivery="proxy"
                    )
                )
            )
            for _ in range(2)
        ]
        first, second = bearer("t1"), bearer("t2")
        for replica in replicas:
            assert replica.get(PRIVATE, headers=first).status_code == 200
        assert (
            main(["token", "revoke", first["Authorization"].removeprefix("Bearer "), "--note", "lost"]) == 0
        )
        assert main(["token", "revoke", "by-id"]) == 0
        for replica in replicas:
            assert wait_until(partial(is_refused, replica, first))
            assert replica.get(PRIVATE, headers=second).status_code == 200
    assert capsys.readouterr().out == "t1\nby-id\n"
    main(["token", "list-revoked"])
    assert capsys.readouterr().out == "t1 robot lost\nby-id\n"
    main(["token", "inspect", first["Authorization"].removeprefix("Bearer ")])
    assert json.loads(capsys.readouterr().out)["is_revoked"]


def test_without_the_object_no_token_counts() -> None:
    app = app_for(f"s3://{BUCKET}/site", policy=MEMBERS_AND_VAULT, revoked_file=LIST)
    with client_of(app) as client:
        assert problem(client.get(PRIVATE, headers=bearer("t1"))) == (503, "revocations-unknown")
        assert client.get("/").status_code == 200
        assert main(["token", "revoke", "t2"]) == 0  # which makes it
        assert wait_until(lambda: client.get("/members/", headers=bearer("t1")).status_code == 200)


def test_two_who_revoke_at_once_do_not_undo_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.cli.revoked_list import RevokedObject

    put, others = RevokedObject._put, ["t2", "t3"]

    async def put_late(self: RevokedObject, client: Any, content: bytes, e_tag: str) -> bool:
        """Somebody else is faster, once when there is no object yet and once when there is."""
        if others:
            name = others.pop()
            found, tag = await self._get(client, may_be_missing=True)
            await put(self, client, found + f"{name}\n".encode(), tag)
        return await put(self, client, content, e_tag)

    monkeypatch.setattr(RevokedObject, "_put", put_late)
    assert main(["token", "revoke", "t1"]) == 0
    assert set(RevokedObject(LIST).read()) == {"t1", "t2", "t3"}


def test_what_cannot_be_read_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "list-revoked"]) == 2
    assert f"revoked_file: {LIST} cannot be read: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"s3://{BUCKET}/site/revoked", f"is in s3://{BUCKET}/site/, which is published: move it elsewhere"),
        (f"s3://{BUCKET}/site/a/revoked?region=eu-west-1", "which is published: move it elsewhere"),
        (f"s3://{BUCKET}/own/revoked?colour=red", "PIERHEAD_REVOKED_FILE (environment): "),
    ],
)
def test_a_list_that_is_published_or_cannot_be_is_refused(url: str, said: str) -> None:
    environ = {"PIERHEAD_STORAGE": f"s3://{BUCKET}/site", "PIERHEAD_REVOKED_FILE": url}
    with pytest.raises(ConfigError) as caught:
        asyncio.run(check_all(load_settings(environ=environ)))
    (fault,) = caught.value.faults
    assert said in fault


def test_a_list_beside_what_is_published_is_not() -> None:
    environ = {"PIERHEAD_STORAGE": f"s3://{BUCKET}/site", "PIERHEAD_REVOKED_FILE": f"s3://{BUCKET}/sites"}
    asyncio.run(check_all(load_settings(environ=environ)))
