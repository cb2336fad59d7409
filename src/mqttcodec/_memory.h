/* The allocator of packets.

   Most packets live for one iteration of a loop. The memory of a few freed packets of each size is kept for the next
   ones, which is faster than Python's allocator. The lists are protected by the GIL, so this is off without it. It is
   also off with an address sanitizer, which must see each allocation. */

#ifndef MQTTCODEC_MEMORY_H
#define MQTTCODEC_MEMORY_H

#if defined(__has_feature)  /* The way to ask clang; gcc defines the macro itself. */
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#if defined(Py_GIL_DISABLED) || CYTHON_USE_TYPE_SPECS || !CYTHON_COMPILING_IN_CPYTHON || \
    defined(__SANITIZE_ADDRESS__)

static void keep_memory_of(PyObject *packet_class) { (void) packet_class; }

#else

#define KEPT_AT_MOST 64
#define SIZES 24  /* In words: more than the largest packet has. */

/* Memory of freed packets: by size in words, a linked list, the last one freed first, and its length. */
typedef struct Kept { struct Kept *next; } Kept;
static Kept *kept[SIZES];
static int kept_count[SIZES];

/* `tp_alloc` of packets. The memory is not cleared, because `__new__` sets all fields. */
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

/* `tp_free` of packets. */
static void free_packet(void *packet) {
    size_t words = (size_t) Py_TYPE((PyObject *) packet)->tp_basicsize / sizeof(void *);
    if (kept_count[words] == KEPT_AT_MOST) {
        PyObject_Free(packet);
        return;
    }
    ((Kept *) packet)->next = kept[words];
    kept[words] = (Kept *) packet;
    kept_count[words]++;
}

/* `tp_dealloc` of packets. Apart from the header, the struct consists of fields only. */
static void drop_packet(PyObject *packet) {
    PyObject **field = (PyObject **) (packet + 1);
    PyObject **end = (PyObject **) ((char *) packet + Py_TYPE(packet)->tp_basicsize);
    for (; field < end; field++)
        Py_DECREF(*field);
    free_packet(packet);
}

static void keep_memory_of(PyObject *packet_class) {
    PyTypeObject *type = (PyTypeObject *) packet_class;
    if ((size_t) type->tp_basicsize / sizeof(void *) < SIZES) {
        type->tp_alloc = allocate_packet;
        type->tp_free = free_packet;
        type->tp_dealloc = drop_packet;
    }
}

#endif

#endif
