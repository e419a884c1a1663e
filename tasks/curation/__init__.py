"""Stage `curate`: screens over committed traces."""
