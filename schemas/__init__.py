"""Rows, ids and settings: what the parts say to each other.  Imports nothing of ours."""
