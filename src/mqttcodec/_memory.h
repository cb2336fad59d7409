/* Where the memory of packets comes from.

   Most packets live for one turn of a loop. The memory of the last few of each size is kept for the next one: 47 ns for
   a PUBLISH decoded and dropped, not 51. Not without the GIL, which guards the lists, nor where an address sanitizer
   wants to see each piece come and go. */

#ifndef MQTTCODEC_MEMORY_H
#define MQTTCODEC_MEMORY_H

#if defined(__has_feature)  /* clang's word for it; gcc defines the macro itself. */
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#if defined(Py_GIL_DISABLED) || CYTHON_USE_TYPE_SPECS || !CYTHON_COMPILING_IN_CPYTHON || \
    defined(__SANITIZE_ADDRESS__)

static void keep_memory_of(PyObject *packet_class) { (void) packet_class; }

#else

#define KEPT_AT_MOST 64
#define SIZES 24  /* in words; above that of the largest packet */

/* Memory no packet is in: by its size in words, the piece given back last, and how many there are. */
typedef struct Kept { struct Kept *next; } Kept;
static Kept *kept[SIZES];
static int kept_count[SIZES];

/* Memory for a packet, whose fields `__new__` sets. */
static PyObject *allocate_packet(PyTypeObject *type, Py_ssize_t items) {
    size_t words = (size_t) type->tp_basicsize / sizeof(void *);
    void *memory = kept[words];
    (void) items;
    if (memory != NULL) {
        kept[words] = kept[words]->next;
        kept_count[words]--;
    } else {
        memory = PyObject_Malloc((size_t) type->tp_basicsize);
        if (memory == NULL)
            return PyErr_NoMemory();
    }
    return PyObject_Init((PyObject *) memory, type);
}

static void give_back_packet(void *packet) {
    size_t words = (size_t) Py_TYPE((PyObject *) packet)->tp_basicsize / sizeof(void *);
    if (kept_count[words] == KEPT_AT_MOST) {
        PyObject_Free(packet);
        return;
    }
    ((Kept *) packet)->next = kept[words];
    kept[words] = (Kept *) packet;
    kept_count[words]++;
}

static void keep_memory_of(PyObject *packet_class) {
    PyTypeObject *type = (PyTypeObject *) packet_class;
    if ((size_t) type->tp_basicsize / sizeof(void *) < SIZES) {
        type->tp_alloc = allocate_packet;
        type->tp_free = give_back_packet;
    }
}

#endif

#endif
