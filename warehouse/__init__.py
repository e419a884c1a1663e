"""The lake: catalog, shards, commit, plans, views and export.  `duckdb` is imported nowhere else."""
