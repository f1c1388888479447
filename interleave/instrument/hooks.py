"""The hooks: what instrumented code calls just before an access, and what that makes an operation.

A hook returns at once while no execution runs, for objects that cannot change, and while main has
no other task beside it yet: what it did before it started the first one is ordered before
everything. What a hook of `substitution` returns, or one before a call, is used in place of its
first argument; what others return is thrown away. A hook never calls code of the program, but for
the function of a `defaultdict` that makes what is not there, and it never raises what the access
would not have raised. Real threads take no part: an operation of theirs has no effect.
"""

from interleave.instrument.attributes import (
    attribute_delete,
    attribute_read,
    attribute_write,
    dictionary_read,
    forget_lookups,
    match_class,
)
from interleave.instrument.calls import call, call_expanded
from interleave.instrument.generators import suspending
from interleave.instrument.importing import importing
from interleave.instrument.items import (
    binary,
    contains,
    content_read,
    inplace,
    item_delete,
    item_read,
    item_write,
    iterating,
    size_read,
    slice_write,
    step,
    unpacking,
)
from interleave.instrument.known import (
    gate,
    looked_through,
    memory,
    own_codes,
    shared_globals,
    stored_attributes,
)
from interleave.instrument.rounds import loop_entered, loop_turned
from interleave.instrument.substitution import entering, identity, using
from interleave.instrument.switching import (
    called,
    calling,
    comparing,
    foreign_code,
    keeping,
    looks_behind,
    looks_behind_expanded,
    made,
    operating,
    reaching,
    returning,
    seeking,
    switch_point,
)
from interleave.instrument.variables import (
    cell_read,
    cell_write,
    global_delete,
    global_read,
    global_write,
)

__all__ = [
    "attribute_delete",
    "attribute_read",
    "attribute_write",
    "binary",
    "call",
    "call_expanded",
    "called",
    "calling",
    "cell_read",
    "cell_write",
    "comparing",
    "contains",
    "content_read",
    "dictionary_read",
    "entering",
    "foreign_code",
    "forget_lookups",
    "gate",
    "global_delete",
    "global_read",
    "global_write",
    "identity",
    "importing",
    "inplace",
    "item_delete",
    "item_read",
    "item_write",
    "iterating",
    "keeping",
    "looked_through",
    "looks_behind",
    "looks_behind_expanded",
    "loop_entered",
    "loop_turned",
    "made",
    "match_class",
    "memory",
    "operating",
    "own_codes",
    "reaching",
    "returning",
    "seeking",
    "shared_globals",
    "size_read",
    "slice_write",
    "step",
    "stored_attributes",
    "suspending",
    "switch_point",
    "unpacking",
    "using",
]
