"""A module that a program imports in its threads, and that says when its body runs."""

print("met late")
