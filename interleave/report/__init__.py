"""The report of a check: what it is, who judges it, and how it is shown."""
