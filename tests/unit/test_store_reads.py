"""Who calls the store: each of them comes after a decision, or reads a control file of the very folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import app
from app.catalog import control_files
from app.storage.store import ObjectStore, QuickReads

ROOT = Path(app.__file__).parent
READS = {"read_small", "quick_reader", "head", "open_range", "presign", "list_folder", "walk"}
CALLERS = {
    "read_small": {"auth/revocation_object.py: read_from", "catalog/control_files.py: read_control_file"},
    "head": {
        "catalog/in_vain.py: look_for",
        "catalog/locate.py: _head",
        "catalog/snapshot_loader.py: look",
        "catalog/stored_digests.py: _info",
        "cli/doctor/stores.py: _read_one",
    },
    "open_range": {
        "cli/doctor/stores.py: _read_one",
        "responses/archive_stream.py: _file",
        "responses/delivery.py: _part",
        "responses/shared_files.py: read",
        "routes/file_view.py: _read",
    },
    "quick_reader": {"responses/small_files.py: _judge"},
    "presign": {"responses/delivery.py: _presigned"},
    "list_folder": {
        "catalog/snapshot_loader.py: _listing",
        "catalog/snapshot_loader.py: _elsewhere",
        "cli/doctor/stores.py: _look_at",
        "cli/doctor/stores.py: _some_file",
    },
    "walk": {"catalog/subtree/walk.py: _passed"},
}
"""The list in the docstring of `app.catalog.control_files`. Whoever adds to it says there why the call is allowed."""


def test_every_read_of_the_store_is_one_of_those_that_are_accounted_for() -> None:
    found: dict[str, set[str]] = {name: set() for name in READS}
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        if place.startswith("storage/"):
            continue  # stores are made of stores
        for function, name in reads_of_a_store(ast.parse(path.read_text("utf-8"))):
            found[name].add(f"{place}: {function}")
    assert found == CALLERS


def test_the_list_names_every_read_that_a_store_has() -> None:
    listed = {name for name in READS if f"`{name}`" in (control_files.__doc__ or "")}
    others = {"check", "from_one", "is_one"}
    methods = {name for kind in (ObjectStore, QuickReads) for name in vars(kind) if not name.startswith("_")}
    assert listed == methods - others


def reads_of_a_store(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Every mention of a store's reading method, with the function that it is in."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in own_nodes(function):
            if isinstance(node, ast.Attribute) and node.attr in READS and is_of_a_store(node):
                yield function.name, node.attr


def own_nodes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """What is in a function and not in one that is inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def is_of_a_store(method: ast.Attribute) -> bool:
    """Whether a method is a store's: by its name where nothing else has one of that name, else by its owner's."""
    owner = method.value
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return method.attr not in {"head", "list_folder", "walk"} or name.endswith("store")
