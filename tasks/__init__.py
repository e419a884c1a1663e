"""The work: sources, recipes, teachers, scores and the Ray stages that run them."""
