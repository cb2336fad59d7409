/* Short strings that were decoded recently, because later packets often contain the same ones.

   The same topics arrive again and again. Finding the str of an earlier packet is faster than creating a new one, the
   packets share its memory, and its hash is computed once. The table is bounded, and protected by the GIL. */

#ifndef MQTTCODEC_RECENT_H
#define MQTTCODEC_RECENT_H

#include <stdint.h>
#include <string.h>

#define RECENT_SIZE 64  /* Longer texts are not kept. */

typedef struct {
    uint64_t hash;
    PyObject *text;  /* Owned: an ASCII string without NUL and wildcards, or NULL. */
} Recent;

#ifdef Py_GIL_DISABLED

static inline Recent *recent_slot(const uint8_t *data, Py_ssize_t size) {
    (void) data;
    (void) size;
    return NULL;
}

#else

static Recent recent_texts[256];  /* One for each value of the highest byte of the hash. */

/* The place in the table for a text that was decoded recently; else NULL. A text is kept when it is decoded the second
   time, so that texts that never return cost little. */
static inline Recent *recent_slot(const uint8_t *data, Py_ssize_t size) {
    uint64_t word, hash = (uint64_t) size;
    Py_ssize_t at;
    Recent *slot;
    if (size < 8 || size > RECENT_SIZE)
        return NULL;
    for (at = 0; at < size - 8; at += 8) {
        memcpy(&word, data + at, 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
    }
    memcpy(&word, data + size - 8, 8);  /* It may overlap the word before it. */
    hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
    slot = &recent_texts[hash >> 56];
    if (slot->hash == hash)
        return slot;
    slot->hash = hash;
    return NULL;
}

#endif

/* The text at a place of the table if it consists of these bytes: a borrowed reference, or NULL. */
static inline PyObject *recent_text(Recent *slot, const uint8_t *data, Py_ssize_t size) {
    PyObject *text = slot->text;
    if (text == NULL || PyUnicode_GET_LENGTH(text) != size || memcmp(PyUnicode_1BYTE_DATA(text), data, (size_t) size))
        return NULL;
    return text;
}

static inline void keep_recent(Recent *slot, PyObject *text) { Py_XSETREF(slot->text, Py_NewRef(text)); }

#endif
