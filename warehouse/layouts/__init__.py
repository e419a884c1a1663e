"""How a published row is laid out, one file a layout."""
