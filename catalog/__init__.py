"""The catalog of releases: find, fetch, verify and open them.

What users call stands in the package `somobench`; Intake finds the driver by its
entry point.
"""
