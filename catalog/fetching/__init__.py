"""Fetch files by their hash into a cache that holds only verified ones."""
