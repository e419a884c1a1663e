"""What every stage runs on: Ray, the inbox, streams, progress.  Knows no particular stage."""
