"""Rows, ids and settings: what the parts of Thoughtmill say to each other.  Imports nothing of ours."""
