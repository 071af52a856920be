"""The signature of an envelope (XAdES, EN 319 132-1): `prepare` computes it, `verify` judges it."""
