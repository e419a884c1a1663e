"""Synthesis of reasoning corpora.

The four packages lie at the root of the repository and are linked here, so that an installed
Thoughtmill takes one top-level name.
"""
