"""Maps of daily soil moisture: a model applied to a gridded forcing store."""
