"""SQL has a file and a name: `-- name: x` in store/sql/NOUN.sql is `SQL["x"]` in store/NOUN.py, and back."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.tree import SOURCE, Module, files, modules

STORE = SOURCE / "store"
NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
PARAMETER = re.compile(r"%\((\w+)\)s")
STATEMENT = re.compile(r"\s*(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|MERGE INTO|COPY|TRUNCATE)\s")


def unpaired(noun: str, sql: str, module: Module) -> list[str]:
    """What is wrong between the statements of `noun` and the module that should use them."""
    named = NAME.findall(sql)
    used = [name for _, name in references(noun, module)]
    said = [f"sql/{noun}.sql names {name} twice" for name in set(named) if named.count(name) > 1]
    said += [f"sql/{noun}.sql: nothing in {noun}.py uses {name}" for name in named if name not in used]
    said += [f"{noun}.py: sql/{noun}.sql has no {name}" for name in used if name not in named]
    if sql.count("-- name:") != len(named):
        said.append(f"sql/{noun}.sql: a name is one word on a line of its own")
    if any(line and not line.startswith("--") for line in sql.partition("-- name:")[0].splitlines()):
        said.append(f"sql/{noun}.sql: a statement stands before the first name")
    return said


def references(noun: str, module: Module) -> list[tuple[ast.expr, str]]:
    """Each `X["name"]` in a module that says `X = load(noun)`."""
    loaded = {
        target.id
        for node in module.tree.body
        if isinstance(node, ast.Assign) and _loads(node.value) == noun
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [
        (node, str(node.slice.value))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Subscript) and module.dotted(node.value) in loaded
        if isinstance(node.slice, ast.Constant)
    ]


def misplaced(noun: str, module: Module) -> list[str]:
    """Each `SQL["x"]` outside `def x`: a statement and the function that runs it have one name."""
    homes = {
        id(node): function.name
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    return [
        f"{module.at(node)}: {name} is run by {homes.get(id(node), 'no function')}"
        for node, name in references(noun, module)
        if homes.get(id(node)) != name
    ]


def _loads(node: ast.expr) -> str | None:
    """The noun in `load("noun")` or `queries.load("noun")`."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "load":
        return str(ast.literal_eval(node.args[0]))
    return None


def nouns(module: Module) -> list[str]:
    return [noun for node in module.tree.body if isinstance(node, ast.Assign) and (noun := _loads(node.value))]


def mismatched(noun: str, sql: str, module: Module) -> list[str]:
    """Calls such as `fetch(tx, SQL["x"], a=1)` whose keywords are not x's parameters."""
    parts = NAME.split(sql)[1:]
    parameters = {name: set(PARAMETER.findall(body)) for name, body in zip(parts[::2], parts[1::2], strict=True)}
    names = {id(node): name for node, name in references(noun, module)}
    said = []
    for call, _ in module.calls():
        asked = [names[id(argument)] for argument in call.args if id(argument) in names]
        given = {keyword.arg for keyword in call.keywords}
        if asked and None not in given and given != parameters.get(asked[0], given):
            said.append(f"{module.at(call)}: {asked[0]} takes {sorted(parameters[asked[0]])}")
    return said


def stray_sql(module: Module) -> list[str]:
    constants = [
        node for node in ast.walk(module.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [f"{module.at(node)}: SQL belongs in store/sql" for node in constants if STATEMENT.match(str(node.value))]


def _pairs() -> list[tuple[str, str, Module]]:
    """Each noun that has SQL, its text, and its module: an empty one if there is none."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in files(STORE / "sql", ".sql")}
    found = {module.name.removesuffix(".py"): module for module in modules(STORE)}
    return [(noun, text, found.get(noun, Module(f"{noun}.py", ""))) for noun, text in texts.items()]


def test_every_statement_has_one_user_and_every_use_a_statement() -> None:
    assert [said for noun, sql, module in _pairs() for said in unpaired(noun, sql, module)] == []


def test_a_statement_and_its_function_have_one_name() -> None:
    assert [said for noun, _, module in _pairs() for said in misplaced(noun, module)] == []


def test_statements_get_the_parameters_they_take() -> None:
    assert [said for noun, sql, module in _pairs() for said in mismatched(noun, sql, module)] == []


def test_a_module_loads_its_own_noun() -> None:
    strays = [
        (module.name, noun) for module in modules(STORE) for noun in nouns(module) if noun != Path(module.name).stem
    ]
    assert strays == []


def test_no_sql_outside_the_store() -> None:
    outside = [module for module in modules(SOURCE) if not module.name.startswith("store/")]
    assert [said for module in outside for said in stray_sql(module)] == []


SQL = "-- Calls.\n\n-- name: get\nSELECT 1 WHERE id = %(id)s\n\n-- name: end\nUPDATE calls SET a = %(a)s, b = %(b)s\n"
USER = "SQL = queries.load('calls')\nfetch(tx, SQL['get'], id=1)\nexecute(tx, SQL['end'], a=1, b=2)\n"


def test_a_pair_is_left_alone() -> None:
    module = Module("calls.py", USER)

    assert unpaired("calls", SQL, module) == mismatched("calls", SQL, module) == []
    assert not mismatched("calls", SQL, Module("calls.py", "SQL = load('calls')\nfetch(tx, SQL['end'], **values)"))


@pytest.mark.parametrize(
    ("sql", "user"),
    [
        (SQL + "-- name: unused\nSELECT 1\n", USER),
        (SQL + "-- name: get\nSELECT 1\n", USER),
        (SQL, USER + "fetch(tx, SQL['gone'])"),
        (SQL, USER.replace("'calls'", "'contacts'")),
        ("SELECT 1;\n" + SQL, USER),
        (SQL + "-- name: two words\nSELECT 1\n", USER),
        (SQL, ""),
    ],
)
def test_an_unpaired_statement_is_found(sql: str, user: str) -> None:
    assert unpaired("calls", sql, Module("calls.py", user))


def test_a_misplaced_statement_is_found() -> None:
    assert misplaced("calls", Module("calls.py", USER))
    assert misplaced("calls", Module("calls.py", "SQL = load('calls')\nasync def begin(tx): await run(SQL['end'])"))
    assert not misplaced("calls", Module("calls.py", "SQL = load('calls')\nasync def end(tx): await run(SQL['end'])"))


@pytest.mark.parametrize("text", ["a=1", "a=1, b=2, c=3", ""])
def test_a_mismatched_parameter_is_found(text: str) -> None:
    assert mismatched("calls", SQL, Module("calls.py", f"SQL = load('calls')\nexecute(tx, SQL['end'], {text})"))


@pytest.mark.parametrize("text", ["SELECT 1", "\n    INSERT INTO calls VALUES (1)", "WITH a AS (SELECT 1) SELECT 2"])
def test_stray_sql_is_found(text: str) -> None:
    assert stray_sql(Module("api/calls.py", f"run({text!r})"))
    assert not stray_sql(Module("api/calls.py", "run('Select a contact', 'UPDATED')"))
