"""Review: findings of stored runs, shown one by one, and the labels that a person gives them."""
