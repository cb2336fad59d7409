"""Adjusts the packet classes for Python: their names, their fields, and the errors for wrong arguments."""

from cpython.object cimport PyObject

ctypedef object (*FastMethod)(object packet, PyObject** arguments, Py_ssize_t count, PyObject* names)

cdef extern from "_fields.h":
    PyObject** object_at(object holder, Py_ssize_t offset) noexcept
    object copy_fields(object holder)
    void set_object_at(object copy, Py_ssize_t offset, object value) noexcept
    int expose_field(object packet_class, object packet, object name, object value) except -1
    Py_ssize_t offset_of "offset_of_value"(object holder, object value) noexcept
    int rename "rename_type"(object packet_class, object name) except -1
    int explain_arguments "explain_arguments_of"(object packet_class, object explain) except -1
    int define_replace(object packet_class, FastMethod function, object doc) except -1
