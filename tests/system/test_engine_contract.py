"""The contract of a store, on every S3 engine that can be had but moto, on which `tests/contract` runs it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

import pytest

from tests.support.aws import S3Endpoint, open_bucket, point_aws_at
from tests.support.engines import ENGINES
from tests.support.patient_store import open_patient_store
from tests.support.store_contract import PlantedTree, S3Contract


class Lack(NamedTuple):
    """What an engine cannot do, and the tests that fail for that. They must fail: one that passes is no lack any more.

    Attributes:
        hangs: whether they would last minutes, and so are not run.
    """

    engine: str
    reason: str
    tests: tuple[str, ...]
    hangs: bool = False


_ODD_KEYS: Final = (
    "test_unreachable_keys_do_not_break_a_listing",
    "test_a_walk_tells_of_unreachable_keys_and_goes_on",
)
_BOTH: Final = (
    "test_a_key_and_a_prefix_of_one_name_both_appear",
    "test_a_walk_has_a_key_and_a_prefix_of_one_name",
)
_EMPTY_FOLDERS: Final = (
    "test_an_empty_folder_is_a_listing_without_entries",
    "test_a_walk_is_everything_below_a_folder_in_byte_order",
    "test_a_marker_is_not_an_entry_of_its_own_folder",
)
LACKS: Final = (
    Lack(
        "SeaweedFS",
        "takes a backslash for a slash",
        (
            "test_odd_names_of_folders_are_listed_and_entered_alike",
            "test_odd_names_of_files_are_listed_and_fetched_alike",
            "test_a_walk_tells_what_listings_tell",
        ),
    ),
    Lack(
        "SeaweedFS",
        "makes up a media type for what is stored without one",
        ("test_listed_file_tells_what_head_tells",),
    ),
    Lack(
        "SeaweedFS",
        "says that a folder is not as `If-Match` has it, not that there is no such file",
        ("test_what_is_no_file_is_not_found",),
    ),
    Lack("SeaweedFS", "refuses keys with empty names", _ODD_KEYS),
    Lack("rclone", "refuses keys that begin with a slash", _ODD_KEYS),
    Lack("rclone", "holds no file and folder of one name", _BOTH, hangs=True),
    Lack("rclone", "holds no empty folders", _EMPTY_FOLDERS),
    Lack("LocalBucket", "refuses keys that begin with a slash", _ODD_KEYS),
    Lack("LocalBucket", "holds no file and folder of one name", _BOTH, hangs=True),
    Lack("LocalBucket", "holds no empty folders", _EMPTY_FOLDERS),
    Lack("LocalBucket", "keeps no metadata", ("test_a_checksum_that_was_stored_with_a_file_is_told",)),
)
_BUCKETS: Final = itertools.count()


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "moto"], indirect=True)
class TestStoreOnEveryEngine(S3Contract):
    @pytest.fixture
    async def tree(
        self,
        engine: tuple[str, S3Endpoint],
        request: pytest.FixtureRequest,
        monkeypatch: pytest.MonkeyPatch,
    ) -> AsyncIterator[PlantedTree]:
        """In a bucket of its own: what some engines were given leaves folders behind."""
        name, endpoint = engine
        for lack in LACKS:
            if lack.engine == name and request.node.originalname in lack.tests:
                mark = pytest.mark.xfail(strict=True, reason=lack.reason, run=not lack.hangs)
                request.applymarker(mark)
        point_aws_at(monkeypatch, endpoint)
        async with (
            open_bucket(f"contract-{next(_BUCKETS)}") as bucket,
            open_patient_store(bucket=bucket.name) as store,
        ):
            yield PlantedTree(store, bucket)


def test_every_lack_is_that_of_a_test() -> None:
    assert {name for lack in LACKS for name in lack.tests} <= set(dir(S3Contract))
