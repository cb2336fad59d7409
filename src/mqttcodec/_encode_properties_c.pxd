from cpython.object cimport PyObject

from ._writer_c cimport Writer


cdef int write_properties(Writer* writer, PyObject* holder, int place) except -1
