"""Threads that add to one number: each time they read it, and then store one more."""

from side_by_side import in_threads


class Place:
    """Something with attributes."""


def counter(n, k):
    """Return a program with `n` threads that add one `k` times each; the outcome is the number."""

    def program():
        place = Place()
        place.c = 0

        def count():
            for _ in range(k):
                t = place.c
                place.c = t + 1

        in_threads(*[count] * n)
        return place.c

    return program
