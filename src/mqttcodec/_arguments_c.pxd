"""Numbers, versions and buffers as callers give them: `_arguments_py.py` as inline C functions."""

from cpython.buffer cimport (
    PyBUF_FULL_RO,
    PyBuffer_IsContiguous,
    PyBuffer_Release,
    PyObject_CheckBuffer,
    PyObject_GetBuffer,
)
from libc.stdint cimport int64_t

cdef extern from "Python.h":
    int64_t PyLong_AsLongLongAndOverflow(object number, int* overflow)
    bint PyLong_Check(object value)

cdef extern from "_numbers.h":
    int64_t small_value(object number)

cdef enum:
    # What `integer` makes of an int that is negative or takes more than 63 bits: no value of any field.
    OUTSIDE = -2


cdef inline object faults():
    """The module of faults: looked up where something is wrong, and nowhere else."""
    from . import _errors

    return _errors


cdef inline int64_t integer(object value, str about) except -1:
    """The value of an int that is not negative, whatever a subclass makes of its comparisons; OUTSIDE for any other."""
    cdef int64_t number
    if not PyLong_Check(value):
        raise faults().wrong_type(about, "int", value)
    number = small_value(value)
    return large_integer(value) if number < 0 else number


cdef inline int64_t large_integer(object value) except -1:
    cdef int overflow = 0
    cdef int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow)
    return OUTSIDE if overflow or number < 0 else number


cdef inline int checked_version(object version) except -1:
    """The `version` argument of a function, 3, 4 or 5."""
    cdef int64_t number
    if not PyLong_Check(version):
        raise faults().wrong_type("version", "a ProtocolVersion", version)
    number = integer(version, "version")
    if not 3 <= number <= 5:
        raise faults().bad_value("version", "3, 4 or 5", version)
    return <int> number


cdef inline int byte_view(object buffer, Py_buffer* view, str about) except -1:
    """A view of the bytes of any buffer; the caller releases it."""
    if not PyObject_CheckBuffer(buffer):
        raise faults().wrong_type(about, "a bytes-like object", buffer)
    PyObject_GetBuffer(buffer, view, PyBUF_FULL_RO)
    if not is_byte_format(view.format) or not PyBuffer_IsContiguous(view, b"C"):
        PyBuffer_Release(view)
        raise faults().not_bytes(about)
    return 0


cdef inline bint is_byte_format(const char* format) noexcept:
    """Whether items are of one byte and native, so that a view of them can be cast to bytes."""
    if format == NULL:
        return True
    if format[0] == c"@":
        format += 1
    return (format[0] == c"b" or format[0] == c"B" or format[0] == c"c" or format[0] == c"?") and format[1] == 0
