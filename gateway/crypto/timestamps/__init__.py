"""Timestamps (RFC 3161, EN 319 422): `verify` judges a token, `client` asks for one, `reply` reads what comes back."""
