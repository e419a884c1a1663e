"""Stage `grade`: samples until an item's band of difficulty is decided."""
