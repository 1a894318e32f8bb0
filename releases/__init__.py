"""Published releases, add-only: one folder each, named by the release's id."""
