"""A model's own grid or points, brought to the cells, layers and days of a release."""
