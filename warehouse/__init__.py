"""The lake: catalog, shards, commit, plans, views, export.  `duckdb` is imported nowhere else."""
