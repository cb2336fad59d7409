"""Where the memory of packets comes from."""

cdef extern from "_memory.h":
    void keep_memory_of(object packet_class)
