from cpython.object cimport PyObject

from ._reader_c cimport Cursor


cdef int read_properties(Cursor* cursor, PyObject* holder, int place, str about=*) except -1
