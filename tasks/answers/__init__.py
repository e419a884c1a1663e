"""The reader of mathematical answers: from text to values, and whether two are the same."""
