"""From runs that differ to the condition, the event and the line that made them differ."""
