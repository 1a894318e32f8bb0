"""Damaged and hostile files by seeds, for readers of strangers' files."""
