"""The allocator of packets."""

cdef extern from "_memory.h":
    void keep_memory_of(object packet_class)
