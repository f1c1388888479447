"""`python -m interleave`."""

from interleave.cli import main

main()
