"""What other settings would have made of a recorded run's time."""
