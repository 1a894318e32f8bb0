"""HTML pages: their frame, tables, figures and words."""
