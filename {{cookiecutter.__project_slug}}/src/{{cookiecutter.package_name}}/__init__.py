"""The project's own code; `experiment.py` is the file to edit first."""
