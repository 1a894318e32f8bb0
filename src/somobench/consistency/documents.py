"""README, citation, Croissant and reports against the manifest that they repeat."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from somobench.cite import merge_sources
from somobench.consistency.rules import has_rules_of_today
from somobench.schemas.errors import Failure
from somobench.schemas.manifest import Manifest
from somobench.schemas.variables import STATIC_ATTRIBUTES, VARIABLES

REPORTS, CROISSANT = "validation.json", "croissant.json"
CITATION, README, PAGE = "CITATION.cff", "README.md", "report.html"
STAGES = ("ingest", "forcing", "targets", "splits", "features")
SHOWN_CELLS = {"region": None, "dryness": 1e-4, "latitude": 1e-6, "longitude": 1e-6}
"""Columns of cells that the report's page shows, with what rounding leaves."""
UNDESCRIBED = (README, CITATION, CROISSANT)
MOMENTS = "Mean and variance of "
"""How README begins to say whose moments the targets have."""
SCALED = "these targets are the reanalysis's"
MOST_BYTES = 64_000_000  # of a document
Reports = Mapping[str, Any]


def read_reports(folder: Path, manifest: Manifest) -> tuple[Reports, list[Failure]]:
    """Read what the stages reported; say where the manifest has it otherwise."""
    content, failures = _read(folder, REPORTS, _parse_json)
    if failures or content is None:
        return {}, failures
    stages = content.get("stages")
    if not isinstance(stages, dict) or set(STAGES) - set(stages):
        found = sorted(stages) if isinstance(stages, dict) else "no stages"
        failures.append(
            _fail(REPORTS, "stages", found, f"at least {', '.join(STAGES)}")
        )
        content, stages = {**content, "stages": {}}, {}
    try:
        failures += _compare_reports(content, stages, manifest)
    except (KeyError, TypeError, AttributeError) as error:
        failures.append(_fail(REPORTS, "", f"no {error}", "what every build reports"))
    return content, failures


def find_other_cells(
    reports: Reports, tables: Mapping[str, pd.DataFrame]
) -> list[Failure]:
    """Compare climate and region of cells with those of the report's page.

    A static attribute that no cell has makes no column.
    """
    shown = reports.get("report", {}).get("cells", {})
    if "cells" not in tables:
        return []
    failures = [
        Failure(f"cells.parquet {name}", "missing everywhere", "no such column then")
        for name in STATIC_ATTRIBUTES
        if name in tables["cells"] and tables["cells"][name].isna().all()
    ]
    if "cell_id" not in shown:
        return failures
    cells = tables["cells"].set_index("cell_id").reindex(shown["cell_id"])
    for name, digits in SHOWN_CELLS.items():
        if name not in shown:
            continue
        values = cells[name].to_numpy()
        if digits is None:
            wrong = [str(it) for it in values] != [str(it) for it in shown[name]]
        else:
            given = np.array(shown[name], "float64")
            wrong = not np.allclose(values, given, 0, digits, equal_nan=True)
        if wrong:
            expected = f"that of {REPORTS}"
            failures.append(Failure(f"cells.parquet {name}", "another", expected))
    return failures


def find_other_documents(
    folder: Path, manifest: Manifest, days: str = ""
) -> list[Failure]:
    """Compare the documents with the manifest; absent ones are left aside.

    Parameters
    ----------
    days : what a day is, as the forcing says; nothing if it is unknown
    """
    today = has_rules_of_today(manifest)
    first, last = manifest.period
    period = f"{first} to {last}"
    period += f" ({days.replace('_', ' ')})" if days and today else ""
    grid = [f"grid {manifest.grid_resolution} degrees"] if today else []
    page = [f"grid of {manifest.grid_resolution:g} degrees", period] if today else []
    texts = {
        README: [
            *(manifest.release, f"Licence {manifest.licence_spdx}."),
            *(period, *grid),
            *(f"- `{name}`" for name in (*manifest.splits, *manifest.feature_sets)),
            *(f"| `{name}` |" for name in manifest.files if name not in UNDESCRIBED),
            *(
                f"({source.authors}; licence {source.licence}): {source.note}"
                for source in merge_sources(manifest.sources)
                if today
            ),
            *([MOMENTS] if _is_scaled(manifest) else []),
            *([MOMENTS + SCALED] if _is_scaled(manifest) and today else []),
        ],
        PAGE: [manifest.release, *page],
    }
    failures: list[Failure] = []
    for name, needed in texts.items():
        text, wrong = _read(folder, name, str)
        failures += wrong
        if text is not None:
            failures += [
                _fail(name, "", "another text", f"one with {item}")
                for item in needed
                if item not in text
            ]
    readers: dict[str, tuple[Any, Any]] = {
        CROISSANT: (_parse_json, _compare_croissant),
        CITATION: (_parse_yaml, _compare_citation),
    }
    for name, (parse, compare) in readers.items():
        content, wrong = _read(folder, name, parse)
        failures += wrong
        try:
            failures += [] if content is None else compare(content, manifest)
        except (KeyError, TypeError, AttributeError) as error:
            failures.append(
                _fail(name, "", f"no {error}", "the fields of every release")
            )
    return failures


def _is_scaled(manifest: Manifest) -> bool:
    return "reanalysis" in manifest.target_moments_from.values()


def _fail(name: str, where: str, found: object, expected: object) -> Failure:
    return Failure(f"{name} {where}".strip(), str(found)[:200], str(expected)[:200])


def _read(
    folder: Path, name: str, parse: Callable[[str], Any]
) -> tuple[Any, list[Failure]]:
    """Return a document's content, or nothing; a missing one is found elsewhere."""
    try:
        if (folder / name).stat().st_size > MOST_BYTES:
            return None, [_fail(name, "", "too large a text", f"{MOST_BYTES} bytes")]
        return parse((folder / name).read_text(encoding="utf-8")), []
    except FileNotFoundError:
        return None, []
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        found = str(error).replace("\n", " ")
        return None, [_fail(name, "", found, "a text that can be read")]


def _parse_json(text: str) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        message = f"a number {constant}"
        raise ValueError(message)

    content = json.loads(text, parse_constant=refuse)
    if not isinstance(content, dict):
        message = "no JSON object"
        raise ValueError(message)
    return content


def _parse_yaml(text: str) -> dict[str, Any]:
    if "&" in text and "*" in text:  # no release has an anchor
        message = "anchors or aliases"
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise ValueError(message)
    content = yaml.safe_load(text)
    if not isinstance(content, dict):
        message = "no YAML mapping"
        raise ValueError(message)
    return content


def _compare_all(
    name: str, pairs: Mapping[str, tuple[object, object]]
) -> Iterator[Failure]:
    for where, (found, expected) in pairs.items():
        if found != expected:
            yield _fail(name, where, found, f"{expected}, as in MANIFEST.json")


def _compare_reports(
    content: Mapping[str, Any], stages: Reports, manifest: Manifest
) -> Iterator[Failure]:
    yield from _compare_all(
        REPORTS, {"release": (content["release"], manifest.release)}
    )
    promise = content["scaled_targets_against_reference"]
    for what in ("largest_mean_difference", "largest_std_difference"):
        if promise[what] is not None and promise[what] > promise["tolerance"]:
            expected = f"at most {promise['tolerance']}"
            yield _fail(REPORTS, what, promise[what], expected)
    for layer, record in content.get("targets_against_truth", {}).items():
        for what, summary in record.items():
            if not abs(summary.get("r") or 0) <= 1:
                where = f"{what} of layer {layer} against the truth, r"
                yield _fail(REPORTS, where, summary["r"], "at most 1")
    if not stages:
        return
    sets = {
        name: record.model_dump(mode="json", exclude={"layers"})
        for name, record in manifest.feature_sets.items()
    }
    reported = {
        name: {key: record[key] for key in sets.get(name, record)}
        for name, record in stages["features"]["feature_sets"].items()
    }
    audits = {
        name: record.model_dump(mode="json") for name, record in manifest.splits.items()
    }
    archives = {item["sha256"] for item in stages["ingest"]["archives"]}
    credited = {source.sha256 for source in manifest.sources}
    yield from _compare_all(
        REPORTS,
        {
            "feature sets": (reported, sets),
            "splits": (stages["splits"]["splits"], audits),
            "archives": (archives & credited, archives),
        },
    )


def _compare_croissant(
    content: Mapping[str, Any], manifest: Manifest
) -> Iterator[Failure]:
    files = {item["name"]: item for item in content["distribution"]}
    data = {name for name in manifest.files if name.endswith((".zip", ".parquet"))}
    yield from _compare_all(
        CROISSANT,
        {
            "name": (content["name"], manifest.release),
            "version": (content["version"], manifest.release.rpartition("-")[2]),
            "license": (content["license"], manifest.licence_spdx),
            "description": (content["description"], manifest.description.strip()),
            "distribution": (data & set(files), data),
        },
    )
    for name, item in files.items():
        record = manifest.files.get(name)
        size, sha256 = (record.size, record.sha256) if record else (0, "no such file")
        found = (item["contentSize"], item["sha256"])
        yield from _compare_all(CROISSANT, {name: (found, (f"{size} B", sha256))})
    held = {name for record in manifest.files.values() for name in record.arrays}
    named = {item["name"] for item in content["variableMeasured"]}
    due = (held & set(VARIABLES)) if has_rules_of_today(manifest) else set()
    if named - held or due - named:
        other = ", ".join(sorted((named - held) | (due - named)))
        yield _fail(CROISSANT, "variableMeasured", other, "the variables of its files")
    for item in content["variableMeasured"]:
        if item["name"] in VARIABLES:
            units = VARIABLES[item["name"]].units
            yield from _compare_all(
                CROISSANT, {item["name"]: (item["unitText"], units)}
            )


def _compare_citation(
    content: Mapping[str, Any], manifest: Manifest
) -> Iterator[Failure]:
    yield from _compare_all(
        CITATION,
        {
            "title": (content.get("title"), manifest.title),
            "version": (content.get("version"), manifest.release),
            "license": (
                content.get("license", manifest.licence_spdx),
                manifest.licence_spdx,
            ),
        },
    )
    cited = json.dumps(content["references"], ensure_ascii=False, default=str)
    needed = [
        *manifest.networks,
        *(item.doi for item in manifest.sources if item.doi),
        *(credit.doi for credit in manifest.credits.values()),
    ]
    for item in needed:
        if json.dumps(item, ensure_ascii=False)[1:-1] not in cited:
            yield _fail(CITATION, "references", "no such credit", item)
