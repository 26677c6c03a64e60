"""The OpenAPI description is true: whatever is asked of an operation is answered as it says, without a fault."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.routes.openapi import FolderListing, LicenceName, ListedEntry
from tests.support.live_server import LiveServer, app_over, live_server, token
from tests.support.memory_store import MemoryStore

BROWSER = {"Accept": "text/html"}
MANY = 20
FEW = 6

POLICY = '[[rule]]\npath = "secret.txt"\ntier = "private"\ngroups = ["staff"]\n'
UNDECIDABLE: list[CheckFunction] = [positive_data_acceptance]
"""That what fits is accepted: which parameters go together, and that one is a name, OpenAPI cannot say. The 400
itself is described, and so checked."""

PATHS = ["", "a.txt", "x.img", "secret.txt", "folder", "*.txt", "?.txt", "BUILD-INFO.txt", "missing"]
"""One of every kind. They are all at the root, for OpenAPI has no way to put a slash into a path parameter."""


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    store = MemoryStore()
    for name in ("a.txt", "b.txt", "secret.txt", "x.img", "x.img.EULA.txt", "folder/f", "empty/"):
        store.put(name, b"" if name.endswith("/") else b"content")
    with live_server(app_over(store, policy=POLICY)) as running:
        yield running


@pytest.fixture(scope="module")
def description(server: LiveServer) -> BaseSchema:
    document = httpx.get(f"{server.url}/api/openapi.json", trust_env=False).json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=server.url)
    return schema


def operations(description: BaseSchema) -> list[APIOperation[Any, Any, Any, Any]]:
    found: list[APIOperation[Any, Any, Any, Any]] = []
    for result in description.get_all_operations():
        assert isinstance(result, Ok), result
        found.append(result.ok())
    return found


def check(cases: SearchStrategy[schemathesis.Case[Any]], count: int, **headers: str) -> None:
    """Send many cases; assert that status, headers, media type and body of each answer are as described."""

    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def is_as_described(case: schemathesis.Case[Any]) -> None:
        with requests.Session() as session:
            session.trust_env = False  # no .netrc or proxy of the machine that the test runs on
            case.call_and_validate(
                session=session, headers=headers, allow_redirects=False, excluded_checks=UNDECIDABLE
            )

    is_as_described()


def test_the_description_is_valid_and_names_what_there_is(server: LiveServer) -> None:
    from openapi_spec_validator import (
        OpenAPIV31SpecValidator,
    )  # here: it loads slowly, and all workers read this file

    document = httpx.get(f"{server.url}/api/openapi.json", trust_env=False).json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["paths"]["/{path}"].keys() == {"get", "head"}
    assert {"/api/ls/{path}", "/api/license/{path}", "/{path}", "/healthz", "/readyz"} <= set(
        document["paths"]
    )


def test_what_fits_the_description_is_answered_as_described(description: BaseSchema) -> None:
    for operation in operations(description):
        check(operation.as_strategy(), MANY)


def test_what_does_not_fit_the_description_is_answered_as_described(description: BaseSchema) -> None:
    for operation in operations(description):
        if operation.query or operation.headers or operation.body:
            check(operation.as_strategy(GenerationMode.NEGATIVE), MANY)


@pytest.mark.parametrize("path", PATHS)
def test_what_is_there_is_answered_as_described(description: BaseSchema, path: str) -> None:
    for operation in operations(description):
        if operation.path_parameters:
            cases = operation.as_strategy(path_parameters={"path": path})
            check(cases, FEW)
            check(cases, FEW, **BROWSER)


def test_a_members_answers_are_as_described(description: BaseSchema) -> None:
    for bearer in (token("staff", now=time.time()), "malformed"):
        for operation in operations(description):
            if operation.path_parameters:
                cases = operation.as_strategy(path_parameters={"path": "secret.txt"})
                check(cases, FEW, Authorization=f"Bearer {bearer}")


def test_a_part_of_a_file_is_answered_as_described(description: BaseSchema) -> None:
    for value in ("bytes=0-2", "bytes=0-1,3-4", "bytes=9999-", "bytes=x"):
        check(description["/{path}"]["GET"].as_strategy(path_parameters={"path": "a.txt"}), FEW, Range=value)


def test_listings_have_the_described_members_and_no_others(server: LiveServer) -> None:
    listing = httpx.get(f"{server.url}/?format=json", trust_env=False).json()
    assert set(listing) == set(FolderListing.model_fields)
    FolderListing.model_validate(listing, strict=False)
    for entry in listing["entries"]:
        # Left out where S3 keeps the file as usual.
        assert set(entry) == set(ListedEntry.model_fields) - {"storage_class"}
    (licensed,) = (entry for entry in listing["entries"] if entry["licences"])
    assert set(licensed["licences"][0]) == set(LicenceName.model_fields)
    lines = httpx.get(f"{server.url}/?format=ndjson", trust_env=False).text.splitlines()
    assert [ListedEntry.model_validate_json(line).name for line in lines] == [
        entry["name"] for entry in listing["entries"]
    ]
