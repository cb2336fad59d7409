from ._writer_c cimport Writer


cdef object write_packet(Writer* writer, object packet)
