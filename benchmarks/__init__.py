"""Side-by-side measurements: ratios in one run, medians of several.  Never timed tests."""
