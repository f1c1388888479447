"""The runtime and its nouns: operation, choice, schedule, trace, outcome, execution."""
