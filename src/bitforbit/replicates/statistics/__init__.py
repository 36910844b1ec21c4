"""Statistics over seeds, the same bits on every host; docs/statistics.md gives each method with its source."""
