"""Creates packets, and references that are never released."""

from cpython.object cimport PyObject


cdef extern from "_new.h":
    object new_packet(object packet_class)
    PyObject* lasting(object value) noexcept
