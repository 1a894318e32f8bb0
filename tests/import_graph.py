"""Which modules of ours a module needs, read from its source without running it.

A file is read once a process: nobody edits the checkout meanwhile.
"""

from __future__ import annotations

import ast
import re
from functools import cache
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
def source_of(module: str, root: Path) -> Path | None:
    """Return the file of one of our modules, or nothing if there is none."""
    package, _, name = module.rpartition(".")
    if module in FOLDERS:
        path = root / FOLDERS[module] / "__init__.py"
    elif package in FOLDERS:
        path = root / FOLDERS[package] / f"{name}.py"
    else:
        return None
    return path if path.is_file() else None


def modules(root: Path) -> dict[str, Path]:
    """Return every module of ours and its file; `__init__` under the package's name."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((root / folder).glob("*.py")):
            name = package if path.stem == "__init__" else f"{package}.{path.stem}"
            found[name] = path
    return found


@cache
def imported(path: Path, root: Path) -> frozenset[str]:
    """Return our modules that a file imports, at its top or inside a function."""
    named: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            named.add(node.module)
            named |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in named if source_of(name, root))


@cache
def named_in_texts(path: Path, root: Path) -> frozenset[str]:
    """Return our modules that a file names in a text, as adapters are found.

    An example is `"somobench.pipelines.ismn:IsmnSource"`.
    """
    texts = [
        node.value
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    matches = [match for text in texts if (match := NAMED.fullmatch(text))]
    return frozenset(
        match.group(1) for match in matches if source_of(match.group(1), root)
    )


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
    """Return the files of ours that a module needs, itself included.

    The `__init__` of a package only names it or hands names on, so none is listed.
    """
    pending, seen = [module], set()
    while pending:
        name = pending.pop()
        path = source_of(name, root)
        if path is not None and name not in seen:
            seen.add(name)
            if name not in FOLDERS:
                pending += imported(path, root) | named_in_texts(path, root)
    paths = [source_of(name, root) for name in seen - set(FOLDERS)]
    return {path.relative_to(root).as_posix() for path in paths if path}


def with_code_dependencies(text: str, root: Path) -> str:
    """Return dvc.yaml with the code dependencies of each stage written anew.

    Data dependencies and whole folders stay, and everything else of the text does.
    """
    lines: list[str] = []
    stage, listed = "", None
    for line in text.splitlines():
        if re.fullmatch(r"  \w+:", line):
            stage = line.strip(" :")
        if listed is not None and line.startswith("      - "):
            listed.add(line.removeprefix("      - "))
            continue
        if listed is not None:
            lines += [
                f"      - {name}" for name in sorted(_renewed(stage, listed, root))
            ]
            listed = None
        lines.append(line)
        if line == "    deps:":
            listed = set()
    return "\n".join(lines) + "\n"


def _renewed(stage: str, listed: set[str], root: Path) -> set[str]:
    kept = {name for name in listed if not name.endswith(".py")}
    needed = needed_files(f"somobench.pipelines.{stage}", root)
    return kept | {name for name in needed if name.partition("/")[0] not in kept}


if __name__ == "__main__":
    pipeline = Path("dvc.yaml")
    text = with_code_dependencies(pipeline.read_text("utf-8"), Path.cwd())
    pipeline.write_text(text, "utf-8")
