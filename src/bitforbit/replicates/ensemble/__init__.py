"""Many replicates in one plain `.keras` file: made, measured and verified; see docs/ensembles.md."""
