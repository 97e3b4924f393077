"""A broad except says why; a log sentence names nobody; a match over states forgets none."""

import ast
import re

import pytest

from tests.house.tree import SOURCE, Module, modules

BROAD = {"Exception", "BaseException"}
REASON = re.compile(r"#\s*(?:noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*)?\W*(?:[^\W_]\S*\s+){2,}\S")
LOGGERS = {"log", "_log", "logger", "_logger"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
# Of a person, and so only under a name that marks them: `person_phone=…` can be dropped by name.
PERSONAL = {"phone", "name", "email", "address", "transcript", "attributes", "contact", "first_message"}


def broad_excepts(module: Module) -> list[str]:
    handlers = [node for node in ast.walk(module.tree) if isinstance(node, ast.ExceptHandler)]
    found: list[ast.expr | ast.excepthandler] = []
    found += [node for node in handlers if _is_broad(module, node.type) and not _passes_on(node)]
    found += [call for call, name in module.calls() if name == "contextlib.suppress" and _any_broad(module, call)]
    return [
        f"{module.at(node)} catches everything without a reason"
        for node in found
        if not REASON.search(module.lines[node.lineno - 1])
    ]


def _is_broad(module: Module, caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_is_broad(module, item) for item in caught.elts)
    return caught is None or module.dotted(caught).removeprefix("builtins.") in BROAD


def _any_broad(module: Module, call: ast.Call) -> bool:
    return any(_is_broad(module, argument) for argument in call.args)


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether it ends by raising again, or begins by telling the log, with the traceback, what was caught."""
    first, last = handler.body[0], handler.body[-1]
    return _is_call_of("exception", first) or (isinstance(last, ast.Raise) and last.exc is None)


def _is_call_of(name: str, node: ast.stmt) -> bool:
    """Whether the statement is `name(…)` or `a.name(…)`."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    return ast.unparse(node.value.func).rpartition(".")[2] == name


def loose_logs(module: Module) -> list[str]:
    said = []
    for call, name in module.calls():
        logger, _, level = name.rpartition(".")
        if level not in LEVELS or logger.rpartition(".")[2] not in LOGGERS:
            continue
        if len(call.args) != 1 or not _is_sentence(call.args[0]):
            said.append(f"{module.at(call)}: a log sentence is one constant string, the rest are named fields")
        fields = {keyword.arg for keyword in call.keywords}
        said += [f"{module.at(call)}: log {field}= as person_{field}=" for field in PERSONAL & fields]
    return said


def _is_sentence(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def forgetful_matches(module: Module) -> list[str]:
    """Over the members of an enum, `case _` hides the one that is added tomorrow; mypy finds it only without."""
    matches = [node for node in ast.walk(module.tree) if isinstance(node, ast.Match)]
    return [
        f"{module.at(node)}: end the match with `assert_never`, or name every member"
        for node in matches
        if any(_is_member(case.pattern) for case in node.cases)
        and any(_is_wildcard(case) and not _is_call_of("assert_never", case.body[-1]) for case in node.cases)
    ]


def _is_member(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchOr):
        return any(_is_member(each) for each in pattern.patterns)
    return isinstance(pattern, ast.MatchValue) and isinstance(pattern.value, ast.Attribute)


def _is_wildcard(case: ast.match_case) -> bool:
    return isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None


def test_broad_excepts_say_why() -> None:
    assert [said for module in modules(SOURCE) for said in broad_excepts(module)] == []


def test_logs_name_nobody() -> None:
    assert [said for module in modules(SOURCE) for said in loose_logs(module)] == []


def test_matches_forget_nothing() -> None:
    assert [said for module in modules(SOURCE) for said in forgetful_matches(module)] == []


@pytest.mark.parametrize(
    "text",
    [
        "try: a()\nexcept Exception: pass",
        "try: a()\nexcept: pass",
        "try: a()\nexcept Exception:\n    log.warning('It failed.')",
        "try: a()\nexcept (OSError, BaseException) as error:\n    print(error)",
        "try: a()\nexcept Exception:  # noqa: BLE001\n    pass",
        "try: a()\nexcept Exception:  # sorry\n    pass",
        "import contextlib\nwith contextlib.suppress(Exception): a()",
        "from contextlib import suppress\nwith suppress(Exception): a()",
    ],
)
def test_a_broad_except_is_found(text: str) -> None:
    assert broad_excepts(Module("a.py", text))


@pytest.mark.parametrize(
    "text",
    [
        "try: a()\nexcept Exception:  # noqa: BLE001: a hook of theirs must not stop us\n    pass",
        "try: a()\nexcept Exception:  # a hook of theirs must not stop us\n    pass",
        "try: a()\nexcept BaseException:\n    file.close()\n    raise",
        "try: a()\nexcept Exception:\n    log.exception('The carrier adapter failed.')\n    b()",
        "try: a()\nexcept OSError: pass",
    ],
)
def test_a_good_except_is_left_alone(text: str) -> None:
    assert not broad_excepts(Module("a.py", text))


@pytest.mark.parametrize(
    "text",
    [
        "log.info(f'called {phone}')",
        "log.info('called ' + phone)",
        "log.warning('called %s', phone)",
        "self._log.error(sentence)",
        "logger.info('called', phone=phone)",
    ],
)
def test_a_loose_log_is_found(text: str) -> None:
    assert loose_logs(Module("a.py", text))


def test_a_good_log_is_left_alone() -> None:
    assert not loose_logs(Module("a.py", "log.info('Called.', call_id=id, person_phone=phone)\nmath.log(2)"))


@pytest.mark.parametrize(
    "text",
    [
        "match status:\n    case Status.DRAFT: a()\n    case _: pass",
        "match status:\n    case Status.DRAFT | Status.PAUSED: a()\n    case other: return other",
    ],
)
def test_a_forgetful_match_is_found(text: str) -> None:
    assert forgetful_matches(Module("a.py", text))


@pytest.mark.parametrize(
    "text",
    [
        "match status:\n    case Status.DRAFT: a()\n    case _: assert_never(status)",
        "match status:\n    case Status.DRAFT: a()\n    case Status.PAUSED: b()",
        "match value:\n    case str(): a()\n    case _: b()",
    ],
)
def test_a_good_match_is_left_alone(text: str) -> None:
    assert not forgetful_matches(Module("a.py", text))
