"""The policies that make choices; they do not know each other."""
