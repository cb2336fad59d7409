/* Constants that Cython cannot express, and fast access to small Python ints. */

#ifndef MQTTCODEC_NUMBERS_H
#define MQTTCODEC_NUMBERS_H

/* Words that repeat one byte. They are defined in C because Cython turns such a large literal into a Python int. */
#define EACH_7F 0x7F7F7F7F7F7F7F7FULL
#define EACH_80 0x8080808080808080ULL
#define EACH_08 0x0808080808080808ULL
#define EACH_PLUS 0x2B2B2B2B2B2B2B2BULL

/* Whether int objects may be kept for later packets. The GIL protects the array that holds them. */
#ifdef Py_GIL_DISABLED
#define KEEPS_NUMBERS 0
#else
#define KEEPS_NUMBERS 1
#endif

/* The value of a non-negative int of one digit, else a negative number. Most ints have one digit, and reading it
   directly avoids the call of PyLong_AsLongLong. */
static inline int64_t small_value(PyObject* number) {
#if PY_VERSION_HEX >= 0x030C0000
    return PyUnstable_Long_IsCompact((PyLongObject*) number)
        ? (int64_t) PyUnstable_Long_CompactValue((PyLongObject*) number) : -1;
#else
    return Py_SIZE(number) == 1 ? (int64_t) ((PyLongObject*) number)->ob_digit[0] : Py_SIZE(number) == 0 ? 0 : -1;
#endif
}

#endif
