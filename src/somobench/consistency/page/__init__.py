"""The page of the report: its numbers in `validation.json`, and what people read."""
