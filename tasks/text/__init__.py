"""What is read out of prose: languages, and the signs that a thought calculates or doubts."""
