/* Numbers that Cython cannot write, and those that Python ints hold. */

#ifndef MQTTCODEC_NUMBERS_H
#define MQTTCODEC_NUMBERS_H

/* A byte in each of eight. Cython makes a Python int of a literal this size. */
#define EACH_7F 0x7F7F7F7F7F7F7F7FULL
#define EACH_80 0x8080808080808080ULL
#define EACH_08 0x0808080808080808ULL
#define EACH_PLUS 0x2B2B2B2B2B2B2B2BULL

/* Whether ints may be kept for later packets: the GIL guards the places that hold them. */
#ifdef Py_GIL_DISABLED
#define KEEPS_NUMBERS 0
#else
#define KEEPS_NUMBERS 1
#endif

/* The value of an int of one digit, which most are; -1 for any other. PyLong_AsLongLong takes 2 ns. */
static inline int64_t small_value(PyObject* number) {
#if PY_VERSION_HEX >= 0x030C0000
    return PyUnstable_Long_IsCompact((PyLongObject*) number)
        ? (int64_t) PyUnstable_Long_CompactValue((PyLongObject*) number) : -1;
#else
    return Py_SIZE(number) == 1 ? (int64_t) ((PyLongObject*) number)->ob_digit[0] : Py_SIZE(number) == 0 ? 0 : -1;
#endif
}

#endif
