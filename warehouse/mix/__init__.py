"""Mixes: reproducible selections by weights and token budgets."""
