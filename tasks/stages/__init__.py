"""The stages: what each does with the lake, its progress and figures, as Prefect tasks."""
