"""Signatures in CMS (CAdES, EN 319 122-1)."""
