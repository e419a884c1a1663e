"""Steps of an agent: its images and its actions."""
