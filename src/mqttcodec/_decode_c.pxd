from ._reader_c cimport Cursor


cdef object decode_body(Cursor* cursor, int first_byte)
