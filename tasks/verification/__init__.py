"""Stage `verify`: verdicts, scores and labels for traces in the lake."""
