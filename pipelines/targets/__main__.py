"""Run the stage: `python -m somobench.pipelines.targets`."""

from somobench.pipelines.stage import run_stage
from somobench.pipelines.targets import main

if __name__ == "__main__":
    run_stage(main)
