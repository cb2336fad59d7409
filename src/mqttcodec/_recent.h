/* Short strings that were decoded recently, because later packets often contain the same ones.

   The same topics arrive again and again. Finding the str of an earlier packet is faster than creating a new one, the
   packets share its memory, and its hash is computed once. The table is bounded, and protected by the GIL. */

#ifndef MQTTCODEC_RECENT_H
#define MQTTCODEC_RECENT_H

#include <stdint.h>
#include <string.h>

#define RECENT_TEXTS 256  /* One for each value of a byte. */
#define RECENT_SIZE 64  /* Longer texts are not kept. */

#ifdef Py_GIL_DISABLED

static inline PyObject **recent_slot(const uint8_t *data, Py_ssize_t size) {
    (void) data;
    (void) size;
    return NULL;
}

#else

/* Owned references to ASCII strings without NUL and wildcards, or NULL. */
static PyObject *recent_texts[RECENT_TEXTS];

/* The place in the table for a text, or NULL if the text is too short or too long to be kept. */
static inline PyObject **recent_slot(const uint8_t *data, Py_ssize_t size) {
    uint64_t word, hash = (uint64_t) size;
    Py_ssize_t at;
    if (size < 8 || size > RECENT_SIZE)
        return NULL;
    for (at = 0; at < size - 8; at += 8) {
        memcpy(&word, data + at, 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
    }
    memcpy(&word, data + size - 8, 8);  /* It may overlap the word before it. */
    hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
    return &recent_texts[hash >> 56];
}

#endif

/* The text at a place of the table if it consists of these bytes: a borrowed reference, or NULL. */
static inline PyObject *recent_text(PyObject **slot, const uint8_t *data, Py_ssize_t size) {
    PyObject *text = slot == NULL ? NULL : *slot;
    if (text == NULL || PyUnicode_GET_LENGTH(text) != size || memcmp(PyUnicode_1BYTE_DATA(text), data, (size_t) size))
        return NULL;
    return text;
}

static inline void keep_recent(PyObject **slot, PyObject *text) {
    if (slot != NULL)
        Py_XSETREF(*slot, Py_NewRef(text));
}

#endif
