"""Rules for text and topics, used by decoder and encoder: `_text_py.py` as inline C functions."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from ._arguments_c cimport faults
from ._spec_c cimport has_shared_subscriptions

cdef extern from "Python.h":
    unicode PyUnicode_DecodeUTF8(const char* data, Py_ssize_t size, const char* errors)

cdef extern from "_numbers.h":
    const uint64_t EACH_7F, EACH_80, EACH_08, EACH_PLUS

cdef enum:
    # The flags that `copy_text` returns.
    NON_ASCII = 1
    NUL = 2
    WILDCARD = 4


cdef inline int copy_text(uint8_t* copy, const uint8_t* data, Py_ssize_t size) noexcept:
    """Copy a text and report what the copy contains: NON_ASCII, or a combination of NUL and WILDCARD.

    If the text is not ASCII, it may contain NUL and wildcards as well: only NON_ASCII is reported then. One pass over
    eight bytes at a time copies and checks at once; that is faster than checking each byte.
    """
    cdef uint64_t word = 0, high = 0, not_nul = ~0ULL, not_wildcard = ~0ULL
    cdef uint32_t first_four = 0, last_four = 0
    cdef Py_ssize_t at = 0
    if size < 8:
        word = 0x6161616161616161ULL
        if size >= 4:
            memcpy(&first_four, data, 4)
            memcpy(&last_four, data + size - 4, 4)
            memcpy(copy, &first_four, 4)
            memcpy(copy + size - 4, &last_four, 4)
            word = <uint64_t> first_four << 32 | last_four
        else:
            for at in range(size):
                copy[at] = data[at]
                word = word << 8 | copy[at]
        return classify_words(word, word + EACH_7F, ((word | EACH_08) ^ EACH_PLUS) + EACH_7F)
    while True:
        memcpy(&word, data + at, 8)
        memcpy(copy + at, &word, 8)
        high |= word
        # In the sum, the top bit of a byte is 0 if the byte is 0. This is valid only for ASCII; `classify_words`
        # ignores the result for other text.
        not_nul &= word + EACH_7F
        # '#' is 0x23 and '+' is 0x2B: with bit 3 set, both are 0x2B.
        not_wildcard &= ((word | EACH_08) ^ EACH_PLUS) + EACH_7F
        at += 8
        if at >= size:
            return classify_words(high, not_nul, not_wildcard)
        at = min(at, size - 8)  # The last word may overlap the one before it.


cdef inline int classify_words(uint64_t high, uint64_t not_nul, uint64_t not_wildcard) noexcept:
    """The flags of a text, from the combined words of `copy_text`."""
    cdef int found = 0
    if high & EACH_80:
        return NON_ASCII
    if not_nul & EACH_80 != EACH_80:
        found = NUL
    if not_wildcard & EACH_80 != EACH_80:
        found |= WILDCARD
    return found


cdef inline tuple topic_name_fault(const uint8_t* text, Py_ssize_t size):
    """The fault of a non-empty topic name in UTF-8 and the index of the byte at fault, or None (4.7.1)."""
    cdef Py_ssize_t at
    for at in range(size):
        if text[at] == c"+" or text[at] == c"#":
            return faults().TOPIC_WILDCARD, at  # [MQTT-3.3.2-2]
    return None


cdef inline Py_ssize_t next_wildcard(const uint8_t* text, Py_ssize_t at, Py_ssize_t size) noexcept:
    """The index of the first wildcard from `at` on, or `size`. `text` is UTF-8, so no other character has its byte."""
    cdef uint64_t word = 0
    while size - at >= 8:
        memcpy(&word, text + at, 8)
        if word & EACH_80 or (((word | EACH_08) ^ EACH_PLUS) + EACH_7F) & EACH_80 != EACH_80:
            break  # As in `copy_text`.
        at += 8
    while at < size and text[at] != c"+" and text[at] != c"#":
        at += 1
    return at


cdef inline tuple topic_filter_fault(const uint8_t* text, Py_ssize_t size, int version):
    """The fault of a non-empty topic filter in UTF-8 and the index of the byte at fault, or None (4.7.1, 4.8.2)."""
    cdef Py_ssize_t at, first = 0, last = size - 1
    cdef bint opens, is_wild = False
    if has_shared_subscriptions(version) and size >= 7 and memcmp(text, b"$share/", 7) == 0:
        first = 7
        while first <= last and text[first] != c"/":
            is_wild = is_wild or text[first] == c"+" or text[first] == c"#"
            first += 1
        if first == 7:
            return faults().SHARE_NAME_EMPTY, 7  # [MQTT-4.8.2-1]
        if is_wild or first >= last:
            return faults().SHARE_NAME, 7  # [MQTT-4.8.2-2]
        first += 1
    at = first - 1
    while True:
        at = next_wildcard(text, at + 1, size)
        if at == size:
            return None
        opens = at == first or text[at - 1] == c"/"
        if text[at] == c"#":
            if not opens or at != last:
                return faults().FILTER_HASH, at  # [MQTT-4.7.1-1]
        elif not opens or (at != last and text[at + 1] != c"/"):
            return faults().FILTER_PLUS, at  # [MQTT-4.7.1-2]


cdef inline str character_at(const uint8_t* text, Py_ssize_t size, Py_ssize_t at):
    """The character that begins at byte `at` of a text in UTF-8."""
    return PyUnicode_DecodeUTF8(<const char*> text + at, size - at, NULL)[:1]
