"""Return types of functions that the compiler keeps out of the common path.

Only `void` can carry the mark: Cython declares variables of a function's return type.
"""

cdef extern from "_cold.h":
    # Of functions that only raise errors.
    ctypedef void raises "COLD void"
    # Of functions that handle uncommon values.
    ctypedef void uncommon "COLD void"
