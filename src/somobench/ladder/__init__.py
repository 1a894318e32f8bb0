"""Reference models in order of the information that they use."""
