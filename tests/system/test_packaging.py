"""What ships, what it needs, and who may import whom."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest

from factories.import_graph import (
    FOLDERS,
    modules,
    outside_imports,
    packages,
)
from somobench.catalog.registry import list_catalogued

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MODULES = modules(ROOT)
# Loaded by functions, where numba (extra `build`) or PyTorch (`neural`) is installed.
NEEDING_EXTRAS = (
    "somobench.compiling",
    "somobench.metrics.kernels",
    "somobench.metrics.summed",
    *(f"somobench.neural.{name}" for name in ("apply", "batches", "ensemble", "fit")),
    *(f"somobench.neural.{name}" for name in ("hybrid", "losses", "networks")),
)

OWN_EXTRAS = re.compile(r"somobench\[([\w,]+)\]")

OLDER, NEWEST = list_catalogued()[-2:]
SHIPPED = [f"{NEWEST}/*", f"assets/{NEWEST}/predictions_temporal.zarr.zip"]

PACKAGED = (
    "*.py",
    "py.typed",
    "*.yaml",
    "releases/*.yaml",
    "templates/*",
)
OPENS = f"""
import somobench
assert somobench.list_releases() == [{NEWEST!r}], somobench.list_releases()
dataset = somobench.open_dataset("climatology", release={NEWEST!r}, split="temporal")
assert dataset.sizes["cell"] > 0, dataset
predictions = dataset[["climatology"]].rename(climatology="soil_moisture")
result = somobench.evaluate(predictions, release={NEWEST!r}, split="temporal")
headline = result.headline
assert headline["available"], headline
from somobench.pages.frame import render_page
from somobench.pages.maps import CellMap, Place
page = render_page("Title", opening=[CellMap(places=[Place("a", 53.5, 10.0)])])
assert '<path class="land" fill-rule="evenodd" d="M' in page, page
try:
    somobench.open_dataset("forcing", release={OLDER!r})
except somobench.SomobenchError as error:
    assert "SOMOBENCH_RELEASES" in str(error), error
else:
    raise AssertionError("an older release came with the package")
import importlib
for module in {sorted(set(MODULES) - {"somobench.building"})!r}:
    if "pipelines" in module or module.startswith({NEEDING_EXTRAS!r}):
        continue
    importlib.import_module(module)
"""


def normalised(requirement: str) -> str:
    """Return the name in a requirement, as indexes compare names."""
    name = re.match(r"[\w.-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def declared(*extras: str) -> set[str]:
    """Return what is installed with some extras, those that they name included."""
    project = PROJECT["project"]
    listed = list(project["dependencies"])
    for extra in extras:
        listed += project["optional-dependencies"][extra]
    names = {normalised(requirement) for requirement in listed}
    inner = [found[1] for each in listed if (found := OWN_EXTRAS.match(each))]
    for named in inner:
        names |= declared(*named.split(","))
    return names


def test_a_build_installs_what_fits_the_ladder() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "--editable '.[build]'" in makefile
    assert {"scikit-learn", "threadpoolctl", "dvc"} <= declared("build")


def test_every_folder_of_python_modules_is_listed_as_a_package() -> None:
    setuptools = PROJECT["tool"]["setuptools"]
    assert setuptools["package-dir"] == FOLDERS
    assert sorted(setuptools["packages"]) == sorted(packages(ROOT))
    bare = [
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS.values()
        for path in (ROOT / folder).rglob("*.py")
        if not (path.parent / "__init__.py").is_file()
    ]
    assert bare == []


def test_the_package_carries_the_newest_release_and_a_ladder_alone() -> None:
    assert (
        PROJECT["tool"]["setuptools"]["package-data"]["somobench.releases"] == SHIPPED
    )
    folder = ROOT / "releases"
    manifest = json.loads((folder / NEWEST / "MANIFEST.json").read_text("utf-8"))
    for pattern in SHIPPED[1:]:
        path = folder / pattern
        record = manifest["assets"][path.name]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == record["sha256"]
        ignored = ["git", "check-ignore", "--quiet", "--no-index", path]
        assert subprocess.run(ignored, cwd=ROOT, check=False).returncode == 1
    tracked = ["git", "ls-files", "releases/assets"]
    listed = subprocess.run(tracked, cwd=ROOT, check=True, capture_output=True)
    assert listed.stdout.decode().split() == [f"releases/{SHIPPED[1]}"]


def test_no_module_imports_a_folder_by_its_bare_name() -> None:
    bare = {"catalog", "pipelines", "releases", "schemas"}
    found = {name: outside_imports(path) & bare for name, path in MODULES.items()}
    assert {name: used for name, used in found.items() if used} == {}


@cache
def installed_distributions() -> Mapping[str, list[str]]:
    """Return the distributions that bring each importable name."""
    return packages_distributions()


def undeclared(names: set[str], *extras: str) -> set[str]:
    distributions = installed_distributions()
    outside = names - set(sys.stdlib_module_names) - {"somobench"}
    known = declared(*extras)
    return {
        name
        for name in outside
        if not {normalised(item) for item in distributions.get(name, [name])} & known
    }


# Rooms that are loaded only where an extra is installed.
ROOMS = {
    "somobench.compiling": ("build",),
    "somobench.pipelines": ("build", "models"),
    "somobench.metrics.kernels": ("build",),
    "somobench.neural": ("models", "neural"),
}


def extras_of(module: str) -> tuple[str, ...]:
    return sum(
        (ROOMS[room] for room in ROOMS if f"{module}.".startswith(f"{room}.")), ()
    )


def test_modules_load_only_what_their_installation_has() -> None:
    found = {}
    for module, path in MODULES.items():
        eager = outside_imports(path, eager=True)
        found[module] = undeclared(eager, *extras_of(module))
    assert {name: used for name, used in found.items() if used} == {}


def test_modules_import_only_declared_distributions() -> None:
    # Functions of the core may import what the extras bring.
    found = {}
    for module, path in MODULES.items():
        extras = {"models", "neural", "scale", *extras_of(module)}
        extras |= {"build"} if module.startswith("somobench.building") else set()
        found[module] = undeclared(outside_imports(path), *extras)
    assert {name: used for name, used in found.items() if used} == {}


def test_constraints_pin_every_declared_distribution_exactly() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.!+]+", pin)] == []
    pinned = {normalised(pin) for pin in pins}
    assert declared("build", "models", "dev") - {"somobench"} - pinned == set()


def test_entry_points_load() -> None:
    ours = distribution("somobench").entry_points
    assert {point.group for point in ours} == {"console_scripts", "intake.drivers"}
    for point in ours:
        assert callable(point.load())


def run_python(code: str, *arguments: str, **options: Any) -> str:
    done = subprocess.run(
        [sys.executable, *arguments, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_of_the_package_loads_nothing_heavy() -> None:
    code = "import sys, somobench; print(*sys.modules)"
    heavy = {"dask", "dvc", "intake", "numba", "numpy", "pandas", "pydantic", "xarray"}
    assert set(run_python(code).split()) & heavy == set()


def test_opening_a_release_loads_nothing_of_what_building_takes() -> None:
    imports = "import sys, somobench.open, somobench.cli, somobench.catalog.driver"
    code = f"{imports}; print(*sys.modules)"
    extra = {"dvc", "hydra", "netCDF4", "numba", "sklearn"}
    assert set(run_python(code).split()) & extra == set()


def test_opening_data_and_windows_loads_no_torch() -> None:
    code = (
        "import sys, somobench; from somobench.windows import open_windows;"
        "which = {'release': 'virtual-2.0.0', 'split': 'temporal', 'layer': 1};"
        "somobench.open_dataset('forcing', **which);"
        "open_windows('forcing', **which).take([0]); print(*sys.modules)"
    )
    assert "torch" not in run_python(code).split()


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist of a bare clone with the working tree's files, then its wheel."""
    folder = tmp_path_factory.mktemp("distributions")
    clone = folder / "clone"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout
    for name in names.decode().split("\0"):
        source = ROOT / name
        if name and source.is_file():
            target = clone / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, clone]
    done = subprocess.run(build, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def wheel_of(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.mark.slow
def test_wheel_through_the_sdist_holds_every_module_and_the_newest_release(
    distributions: Path,
) -> None:
    expected = {
        f"{package.replace('.', '/')}/{path.relative_to(ROOT / folder).as_posix()}"
        for package, folder in FOLDERS.items()
        for pattern in PACKAGED
        for path in (ROOT / folder).rglob(pattern)
        if "__pycache__" not in path.parts
    }
    expected |= {
        f"somobench/{path.relative_to(ROOT)}"
        for pattern in SHIPPED
        for path in (ROOT / "releases").glob(pattern)
    }
    with zipfile.ZipFile(wheel_of(distributions)) as wheel:
        found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert found == expected
    assert any(name.endswith("/MANIFEST.json") for name in found)


@pytest.mark.slow
def test_sdist_and_wheel_carry_the_licence(distributions: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    with zipfile.ZipFile(wheel_of(distributions)) as wheel:
        names += wheel.namelist()
    assert len([name for name in names if name.endswith("LICENSE")]) == 2


@pytest.mark.slow
def test_unpacked_wheel_opens_a_release_away_from_the_checkout(
    distributions: Path, tmp_path: Path
) -> None:
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel_of(distributions)) as wheel:
        wheel.extractall(unpacked)
    code = f"import sys; sys.path.insert(0, {str(unpacked)!r})\n{OPENS}"
    where = "print(somobench.__file__)"
    assert str(unpacked) in run_python(code + where, cwd=tmp_path)


@pytest.mark.slow
@pytest.mark.network
def test_wheel_works_in_an_empty_environment(
    distributions: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    python = environment / "bin" / "python"
    uv = shutil.which("uv")  # installs in seconds what takes pip half a minute
    without = ["--without-pip"] if uv else []
    subprocess.run([sys.executable, "-m", "venv", *without, environment], check=True)
    install = [python, "-m", "pip", "install", "--no-compile"]
    if uv:
        install = [uv, "pip", "install", "--python", python]
    pins = ("--constraint", str(ROOT / "constraints.txt"))
    wheel = str(wheel_of(distributions))
    subprocess.run([*install, "--quiet", *pins, wheel], check=True)
    subprocess.run([python, "-c", OPENS], cwd=tmp_path, check=True)
    command = environment / "bin" / "somobench"
    listed = subprocess.run([command, "list"], cwd=tmp_path, check=True, stdout=-1)
    assert b"virtual-" in listed.stdout
