"""Conversion and checks of arguments: numbers, versions, buffers. `_arguments_py.py` as inline C functions."""

from cpython.buffer cimport (
    PyBUF_FULL_RO,
    PyBuffer_IsContiguous,
    PyBuffer_Release,
    PyObject_CheckBuffer,
    PyObject_GetBuffer,
)
from libc.stdint cimport int64_t

from ._cold_c cimport raises
from ._spec_c cimport MAXIMUM_REMAINING_LENGTH

cdef extern from "Python.h":
    int64_t PyLong_AsLongLongAndOverflow(object number, int* overflow)
    bint PyLong_Check(object value)

cdef extern from "_numbers.h":
    int64_t small_value(object number)

cdef enum:
    # The result of `integer` for an int that is negative or needs more than 63 bits. No field has this value.
    OUTSIDE = -2


cdef inline object faults():
    """The module of faults. Only error paths call this, because the look-up is slow."""
    from . import _errors

    return _errors


cdef inline raises refuse_type(str about, str expected, object value) except *:
    """Raise the error for an argument or a field of the wrong Python type."""
    raise faults().wrong_type(about, expected, value)


cdef inline int64_t integer(object value, str about) except -1:
    """The value of an int from 0 to 2**63 - 1, else OUTSIDE. Methods that a subclass overrides are not called."""
    cdef int64_t number
    if not PyLong_Check(value):
        refuse_type(about, "int", value)
    number = small_value(value)
    return large_integer(value) if number < 0 else number


cdef inline int64_t large_integer(object value) except -1:
    cdef int overflow = 0
    cdef int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow)
    return OUTSIDE if overflow or number < 0 else number


cdef inline int checked_version(object version) except -1:
    """The number of a `version` argument: 3, 4 or 5. Raises `TypeError` or `ValueError` for anything else."""
    cdef int64_t number
    if not PyLong_Check(version):
        refuse_type("version", "a ProtocolVersion", version)
    number = integer(version, "version")
    if not 3 <= number <= 5:
        raise faults().bad_value("version", "3, 4 or 5", version)
    return <int> number


cdef inline object optional_version(object version):
    """The member for a `version` argument that may be None."""
    from ._enums import ProtocolVersion

    return None if version is None else ProtocolVersion(checked_version(version))


cdef inline int64_t checked_limit(object max_packet_size) except -1:
    """The number of a `max_packet_size` argument, which is at least 2; the protocol's limit if it is above that."""
    cdef int64_t limit = integer(max_packet_size, "max_packet_size")
    if limit == OUTSIDE and int.__index__(max_packet_size) > 0:
        limit = MAXIMUM_REMAINING_LENGTH + 5
    if limit < 2:
        raise faults().bad_value("max_packet_size", "2 or more", max_packet_size)
    return min(limit, <int64_t> (MAXIMUM_REMAINING_LENGTH + 5))


cdef inline int byte_view(object buffer, Py_buffer* view, str about) except -1:
    """Fill `view` with the bytes of a buffer. The caller must release it.

    Raises `TypeError` if the object is no buffer, and `BufferError` if it is not C-contiguous bytes.
    """
    if not PyObject_CheckBuffer(buffer):
        refuse_type(about, "a bytes-like object", buffer)
    PyObject_GetBuffer(buffer, view, PyBUF_FULL_RO)
    if not is_byte_format(view.format) or not PyBuffer_IsContiguous(view, b"C"):
        PyBuffer_Release(view)
        raise faults().not_bytes(about)
    return 0


cdef inline bint is_byte_format(const char* format) noexcept:
    """Whether items have one byte and native format, so that a view of them can be cast to bytes."""
    if format == NULL:
        return True
    if format[0] == c"@":
        format += 1
    return (format[0] == c"b" or format[0] == c"B" or format[0] == c"c" or format[0] == c"?") and format[1] == 0
