"""What runs, in which order: Prefect flows, one a verb, and the command line."""
