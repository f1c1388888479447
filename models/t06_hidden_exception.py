"""T6: an exception that nobody sees.

`executor.map` hands a number to a function that takes none. Every call raises
`TypeError` in its worker, the pool stores it in the call's future, and as nobody
iterates over what `map` returned, it is never raised anywhere. The program ends as if
all had gone well, and prints nothing.

So the check passes (the program behaves as Python says), and the report must warn:
the exception of a task was dropped with its future, unread.

In the second program one call fails and its result is read. There is nothing to warn
about: the `TypeError` leaves the program, in every schedule.
"""

from concurrent.futures import ThreadPoolExecutor

from interleave import model


def greet() -> str:
    """Take no argument: the mistake is in the caller."""
    return "hello"


@model(
    strategy="random",
    seed=1,
    executions=300,
    observe="output",
    outcomes=[[]],
    warnings=["dropped-exception"],
)
def hidden_exception() -> None:
    """Pass an argument too many to every call, and read no result."""
    with ThreadPoolExecutor(max_workers=3) as pool:
        pool.map(greet, range(3))


@model(strategy="random", seed=1, executions=300, failures=["exception"])
def exception_read() -> list[str]:
    """Make the same mistake once, and read the result."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return list(pool.map(greet, range(1)))


if __name__ == "__main__":
    hidden_exception()
    print("nothing was printed before this line")
