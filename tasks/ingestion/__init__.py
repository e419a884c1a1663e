"""Stage `ingest`: items from sources."""
