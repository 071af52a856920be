"""Certificates and whom we believe: `certificates` judges one, `trust` reads anchors from a folder."""
