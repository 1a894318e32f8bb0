"""Defects of what documents and attributes say."""

from __future__ import annotations

from factories.faults.third_list.opened import Opened


def readme_of_a_shorter_period(release: Opened) -> None:
    """The README's days end in 2020."""
    release.replace("README.md", "2021-12-31", "2020-12-31")


def readme_of_a_finer_grid(release: Opened) -> None:
    """The README's grid is 0.1 degrees."""
    release.replace("README.md", "grid 0.25 degrees", "grid 0.1 degrees")


def readme_of_another_licence(release: Opened) -> None:
    """The README grants CC-BY-NC-4.0."""
    release.replace("README.md", "Licence CC0-1.0", "Licence CC-BY-NC-4.0")


def moments_said_to_be_observed(release: Opened) -> None:
    """The README says that moments are the observations' own."""
    old = "are the reanalysis's by construction"
    release.replace("README.md", old, "are the observations' by construction")


def split_unnamed(release: Opened) -> None:
    """The README doesn't name `ungauged` among the splits."""
    release.replace("README.md", "- `ungauged`\n", "")


def citation_of_the_release_before(release: Opened) -> None:
    """CITATION.cff cites virtual-1.1.0."""
    release.replace("CITATION.cff", "version: virtual-2.0.0", "version: virtual-1.1.0")


def network_not_cited(release: Opened) -> None:
    """VNET-DALE isn't among the references of CITATION.cff."""
    entry = (
        "- type: data\n  title: Soil-moisture network VNET-DALE\n"
        "  authors:\n  - name: VNET-DALE\n"
    )
    release.replace("CITATION.cff", entry, "")


def network_not_credited(release: Opened) -> None:
    """The manifest's networks lack VNET-SAHEL, which is behind ten targets."""
    release.manifest["networks"].remove("VNET-SAHEL")


def period_begins_early(release: Opened) -> None:
    """The manifest's period begins in 2015."""
    release.manifest["period"][0] = "2015-01-01"


def moments_of_layer_3_observed(release: Opened) -> None:
    """The manifest says that layer 3's moments are the observations'."""
    release.manifest["target_moments_from"]["3"] = "observations"


def memory_of_six_days(release: Opened) -> None:
    """The manifest's feature set `memory` reads 6 days before; the recipe 7."""
    lags = release.manifest["feature_sets"]["memory"]["lags"]
    lags.remove(7)


def state_without_observations(release: Opened) -> None:
    """The manifest says that `state` needs no observations of the cell."""
    release.manifest["feature_sets"]["state"]["needs_observations"] = False


def test_start_of_the_release_before(release: Opened) -> None:
    """`temporal` is defined to test from 2020-01-01; its rows from July."""
    for document in (release.manifest, release.validation["stages"]["splits"]):
        definition = document["splits"]["temporal"]["definition"]
        definition["parameters"]["test_start"] = "2020-01-01"


def agreement_with_truth_in_percent(release: Opened) -> None:
    """Correlation of layer 2's targets with the truth is 91.4."""
    release.validation["targets_against_truth"]["2"]["targets"]["r"] *= 100


def kept_values_before_flags(release: Opened) -> None:
    """The report's kept values are all values: losses no longer add up."""
    values = release.validation["report"]["losses"]["values"]
    values["kept"] = values["total"]


def licence_of_the_croissant(release: Opened) -> None:
    """croissant.json says CC-BY-4.0."""
    release.document("croissant.json")["license"] = "CC-BY-4.0"


def report_in_local_days(release: Opened) -> None:
    """The page says that days are local; the grids that they are UTC."""
    release.replace("report.html", "2021-12-31 (UTC)", "2021-12-31 (local time)")


def rain_of_the_report_in_metres(release: Opened) -> None:
    """The report's statistics of rain in m d-1, 1000 times too small, said mm d-1."""
    forcing = release.validation["stages"]["forcing"]
    for name in ("mean", "maximum"):
        forcing["statistics"]["precipitation"][name] /= 1000


def weights_of_the_report_reversed(release: Opened) -> None:
    """The report says 0.1 swvl2 and 0.9 swvl3 for layer 2, the grid the reverse."""
    reference = release.validation["stages"]["forcing"]["reference"]
    weights = reference["layers"]["2"]["weights"]
    weights.update(swvl2=weights["swvl3"], swvl3=weights["swvl2"])


def not_to_be_passed_on(release: Opened) -> None:
    """The manifest forbids passing on what it licences as CC0-1.0."""
    release.manifest["redistributable"] = False


def targets_in_local_days(release: Opened) -> None:
    """The targets' attribute says local standard time, the forcing's UTC."""
    release.targets.attributes[""]["day_definition"] = "local standard time"


def cells_dropped_of_the_report(release: Opened) -> None:
    """The stage `targets` says that 3 of 40 cells were dropped."""
    release.validation["stages"]["targets"]["cells"].update(dropped=3, kept=37)


def depths_of_the_report(release: Opened) -> None:
    """The report has 25 cells of 10 cm depth in layer 1 and 10 of 5 cm: swapped."""
    depths = release.validation["report"]["layers"]["1"]["depths"]["depths"]
    depths[1]["cells"], depths[2]["cells"] = depths[2]["cells"], depths[1]["cells"]


def agreement_of_layers_swapped(release: Opened) -> None:
    """Correlations with the reanalysis of layers 1 and 2 are each other's."""
    layers = release.validation["report"]["layers"]
    one, other = layers["1"]["reanalysis"], layers["2"]["reanalysis"]
    one["all"], other["all"] = other["all"], one["all"]


DEFECTS = (
    readme_of_a_shorter_period,
    readme_of_a_finer_grid,
    readme_of_another_licence,
    moments_said_to_be_observed,
    split_unnamed,
    citation_of_the_release_before,
    network_not_cited,
    network_not_credited,
    period_begins_early,
    moments_of_layer_3_observed,
    memory_of_six_days,
    state_without_observations,
    test_start_of_the_release_before,
    agreement_with_truth_in_percent,
    kept_values_before_flags,
    licence_of_the_croissant,
    report_in_local_days,
    rain_of_the_report_in_metres,
    weights_of_the_report_reversed,
    not_to_be_passed_on,
    targets_in_local_days,
    cells_dropped_of_the_report,
    depths_of_the_report,
    agreement_of_layers_swapped,
)
