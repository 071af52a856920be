"""PDF signatures (PAdES, EN 319 142-1): `prepare` makes room for one, `verify` judges those that are there."""
