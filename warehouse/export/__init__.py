"""Exports: rows of the lake as a dataset with its card."""
