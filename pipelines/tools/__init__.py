"""Commands of maintainers that are no stage."""
