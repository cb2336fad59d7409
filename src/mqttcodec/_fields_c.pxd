"""Adjusts the packet classes for Python: their names, their fields, and the errors for wrong arguments."""

cdef extern from "_fields.h":
    int expose_field(object packet_class, object packet, object name, object value) except -1
    Py_ssize_t offset_of "offset_of_value"(object holder, object value) noexcept
    int rename "rename_type"(object packet_class, object name) except -1
    int explain_arguments "explain_arguments_of"(object packet_class, object explain) except -1
