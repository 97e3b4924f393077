"""The transaction comes first, then the organization; a door opens and commits it, and nothing below does."""

import ast

import pytest

from tests.house.tree import SOURCE, Module, modules

BELOW_THE_DOORS = ("operations/", "store/")
# These make transactions; every other module of the store is handed one.
MAKERS = ("store/database.py", "store/migrate.py", "store/batch.py")
ENDINGS = {"commit", "rollback", "transaction"}


def disordered(module: Module) -> list[str]:
    said = []
    for node in module.tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
            names = [argument.arg for argument in node.args.args]
            if names[:1] != ["tx"] or "org" in names[2:]:
                said.append(f"{module.at(node)}: {node.name} takes {names}; tx comes first, then org")
    return said


def endings(module: Module) -> list[str]:
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    methods = [node.func for node in calls if isinstance(node.func, ast.Attribute)]
    return [f"{module.at(node)} calls {node.attr}()" for node in methods if node.attr in ENDINGS]


def _below() -> list[Module]:
    return [
        module for module in modules(SOURCE) if module.name.startswith(BELOW_THE_DOORS) and module.name not in MAKERS
    ]


def test_the_transaction_comes_first() -> None:
    assert [said for module in _below() for said in disordered(module)] == []


def test_nothing_below_the_doors_ends_a_transaction() -> None:
    assert [said for module in _below() for said in endings(module)] == []


@pytest.mark.parametrize(
    "text",
    [
        "async def get(org, tx): ...",
        "async def get(): ...",
        "async def get(tx, id, org): ...",
        "async def get(database, org, id): ...",
    ],
)
def test_a_disordered_function_is_found(text: str) -> None:
    assert disordered(Module("store/calls.py", text))


@pytest.mark.parametrize(
    "text", ["async def get(tx, org, id): ...", "async def get(tx): ...", "async def _rows(a): ..."]
)
def test_an_ordered_function_is_left_alone(text: str) -> None:
    assert not disordered(Module("store/calls.py", text))


@pytest.mark.parametrize("text", ["await tx.commit()", "tx.rollback()", "async with tx.transaction(): pass"])
def test_an_ending_is_found(text: str) -> None:
    assert endings(Module("operations/calls.py", text))
    assert not endings(Module("operations/calls.py", "await store.commit_dialing(tx)"))
