"""Objects that threads use without counting references."""

cdef extern from "_immortal.h":
    void make_immortal(object shared) noexcept
