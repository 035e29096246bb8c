"""One node of the graph: its material, questions to models, checks of answers, second attempts."""
