"""Marks of predictions that look like something else than a model."""
