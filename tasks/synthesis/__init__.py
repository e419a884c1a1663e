"""Stage `synthesize`: traces from items, drawn by workers that own an engine."""
