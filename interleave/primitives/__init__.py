"""The simulated standard library: one file per family."""
