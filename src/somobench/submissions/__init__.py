"""Predictions as somebody hands them in: read apart, checked, put on one layout."""
