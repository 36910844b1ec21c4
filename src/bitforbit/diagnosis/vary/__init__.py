"""What a run's surroundings are, each made repeatable or changed by a recorded seed."""
