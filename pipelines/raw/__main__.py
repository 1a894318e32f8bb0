"""Run the stage: `python -m somobench.pipelines.raw`."""

from somobench.pipelines.raw import main
from somobench.pipelines.stage import run_stage

if __name__ == "__main__":
    run_stage(main)
