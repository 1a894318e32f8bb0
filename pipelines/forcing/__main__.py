"""Run the stage: `python -m somobench.pipelines.forcing`."""

from somobench.pipelines.forcing import main
from somobench.pipelines.stage import run_stage

if __name__ == "__main__":
    run_stage(main)
