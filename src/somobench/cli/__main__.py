"""Run the command line: `python -m somobench.cli`."""

from somobench.cli import main

if __name__ == "__main__":
    main()
