"""Look at a machine as a training would, and say what is wrong, why, and which command mends it."""
