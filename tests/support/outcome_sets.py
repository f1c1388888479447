"""The set of all outcomes of a program that passes: complete, or as a sample shows it."""

import interleave


def outcomes(program, **options):
    report = interleave.check(program, **options)
    assert report.verdict == "pass", str(report)
    assert report.exhaustive
    return set(report.outcomes)


def sampled(program, executions=400, **options):
    """For a pool of several workers: too many schedules for each, so the set is sampled by seed."""
    report = interleave.check(program, strategy="random", executions=executions, **options)
    assert report.verdict == "pass", str(report)
    return set(report.outcomes)
