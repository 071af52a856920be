"""Revocation evidence, fetched ahead of need: `client` gets bytes, `check` judges them, `store` keeps, `fetcher` runs."""
