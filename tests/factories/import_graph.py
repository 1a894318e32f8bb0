"""Which modules of ours a module needs, read from its source without running it.

A file is read once a process: nobody edits the checkout meanwhile.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

FOLDERS = {
    "somobench": "src/somobench",
    "somobench.catalog": "catalog",
    "somobench.pipelines": "pipelines",
    "somobench.releases": "releases",
    "somobench.schemas": "schemas",
}
NAMED = re.compile(r"(somobench(?:\.\w+)+)(?::\w+)?")


@cache
def modules(root: Path) -> dict[str, Path]:
    """Return every module of ours and its file; `__init__` under the package's name."""
    found = {}
    for top, folder in FOLDERS.items():
        for path in sorted((root / folder).rglob("*.py")):
            names = path.relative_to(root / folder).with_suffix("").parts
            inside = names[:-1] if names[-1] == "__init__" else names
            found[".".join([top, *inside])] = path
    return found


def packages(root: Path) -> dict[str, str]:
    """Return every package of ours and its folder."""
    return {
        name: path.parent.relative_to(root).as_posix()
        for name, path in modules(root).items()
        if path.name == "__init__.py"
    }


def top_of(module: str) -> str:
    """Return the one of the top packages that a module belongs to."""
    second = ".".join(module.split(".")[:2])
    return second if second in FOLDERS else "somobench"


def room_of(module: str) -> str:
    """Return a module's place right below its top package: `scoring`, or `open`."""
    top = top_of(module)
    return module.removeprefix(top).removeprefix(".").partition(".")[0]


@cache
def imported(path: Path, root: Path) -> frozenset[str]:
    """Return our modules that a file imports, at its top or inside a function.

    `from package import module` counts as the module alone.
    """
    known = modules(root)
    named: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            named |= inner
            if not inner <= set(known):
                named.add(node.module)
    return frozenset(named & set(known))


@cache
def named_in_texts(path: Path, root: Path) -> frozenset[str]:
    """Return our modules that a file names in a text, as adapters are found.

    An example is `"somobench.pipelines.stations.ismn:IsmnSource"`.
    """
    texts = [
        node.value
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    matches = [match for text in texts if (match := NAMED.fullmatch(text))]
    return frozenset({match.group(1) for match in matches} & set(modules(root)))


def outside_imports(path: Path, *, eager: bool = False) -> set[str]:
    """Return the top names of the absolute imports of a file, ours included.

    With `eager`, only of those that run when the file is imported.
    """
    names: set[str] = set()
    pending: list[ast.AST] = [_tree(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
        if not (eager and _is_late(node)):
            pending += ast.iter_child_nodes(node)
    return {name.partition(".")[0] for name in names}


def _is_late(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def needed_files(module: str, root: Path) -> set[str]:
    """Return the files of ours that running a module takes, its packages' included.

    The top packages only name themselves or hand names on, so none is listed.
    """
    known = modules(root)
    pending, seen = [module, f"{module}.__main__"], set()
    while pending:
        name = pending.pop()
        if name not in known or name in seen or name in FOLDERS:
            continue
        seen.add(name)
        pending.append(name.rpartition(".")[0])
        pending += imported(known[name], root) | named_in_texts(known[name], root)
    return {known[name].relative_to(root).as_posix() for name in seen}


def circle(arrows: dict[str, frozenset[str]]) -> list[str]:
    """Return modules that import each other in a circle, or nothing."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []
