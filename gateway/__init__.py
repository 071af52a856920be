"""The document-exchange gateway."""
