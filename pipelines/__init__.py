"""One module per DVC stage, and the readers of raw sources.

A leaf: nothing else in SoMoBench imports it.
"""
