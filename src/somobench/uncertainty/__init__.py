"""Pooled scores and their intervals, from draws of days and cells."""
