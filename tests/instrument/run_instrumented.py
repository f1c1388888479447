"""Runs one of CPython's test modules with it, and the modules it tests, instrumented.

Usage: python run_instrumented.py plain|instrumented|gil TEST MODULE...; it prints a line a test.
The gate is open all the while, so every hook is called, as by a real thread.
"""

import importlib
import sys
import unittest
import warnings


class Result(unittest.TestResult):
    def addSuccess(self, test):
        print("ok", test.id())

    def addFailure(self, test, err):
        self.addError(test, err)

    def addError(self, test, err):
        print("failed", getattr(test, "id", lambda: test)())
        print(self._exc_info_to_string(err, test), file=sys.stderr)

    def addSkip(self, test, reason):
        print("skipped", test.id())

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addError(subtest, err)

    def addExpectedFailure(self, test, err):
        print("failed as expected", test.id())


def run(test):
    warnings.simplefilter("ignore")
    loaded = importlib.import_module(test)
    unittest.defaultTestLoader.loadTestsFromModule(loaded).run(Result())


def run_instrumented(test, modules, *, under_gil):
    from interleave.instrument import hooks
    from interleave.instrument.scope import Instrumentation, Scope, imports_rewritten

    names = (test, *modules)
    work = Instrumentation(Scope(include=names), under_gil=under_gil)
    hooks.gate[:] = [True]
    work.instrument([sys.modules[name] for name in names if name in sys.modules])
    with imports_rewritten(work):
        run(test)
    assert set(names) <= set(work.modules), work.modules
    assert not work.failed, work.failed


if __name__ == "__main__":
    if sys.argv[1] == "plain":
        run(sys.argv[2])
    else:
        run_instrumented(sys.argv[2], tuple(sys.argv[3:]), under_gil=sys.argv[1] == "gil")
