"""The return type of functions that raise errors."""

cdef extern from "_cold.h":
    ctypedef void raises "COLD void"
