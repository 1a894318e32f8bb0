"""Write params.yaml exactly as DVC composes it for the recipe that Git commits.

Run as `python -m somobench.pipelines.tools.compose_params` after a change in `conf/`.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from somobench.pipelines.stage import run_stage
from somobench.schemas.errors import InputError


def compose_params(conf: Path, output: Path, overrides: tuple[str, ...] = ()) -> None:
    """Compose the configuration in `conf` and write it as YAML.

    Parameters
    ----------
    conf : Path
        Folder with `config.yaml`.
    output : Path
        The file to write.
    overrides : tuple of str
        Hydra overrides, such as `recipe=hamburg`.

    Raises
    ------
    InputError
        If Hydra can't compose it.
    """
    from dvc.utils.hydra import compose_and_dump
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        compose_and_dump(
            output_file=output,
            config_dir=str(conf.absolute()),
            config_module=None,
            config_name="config",
            plugins_path=str(conf.parent.absolute()),
            overrides=list(overrides),
        )
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        raise InputError(
            f"configuration {conf}",
            found=error,
            expected="config.yaml and the recipes that it names",
        ) from error


def main() -> None:
    """Compose the parameters of this checkout."""
    compose_params(Path("conf"), Path("params.yaml"))


if __name__ == "__main__":
    run_stage(main)
