"""Instrumentation: what makes plain accesses of a program visible to the scheduler."""
