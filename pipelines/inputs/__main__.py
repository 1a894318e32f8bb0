"""Run the stage: `python -m somobench.pipelines.inputs`."""

from somobench.pipelines.inputs.stage import main
from somobench.pipelines.stage import run_stage

if __name__ == "__main__":
    run_stage(main)
