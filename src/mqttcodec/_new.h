/* Creates packets for the decoder, and references that are never released. */

#ifndef MQTTCODEC_NEW_H
#define MQTTCODEC_NEW_H

/* A reference that is never released, because extension modules are never unloaded. C tables hold such references. */
static inline PyObject *lasting(PyObject *value) { return Py_NewRef(value); }

/* Count new references to None. Since Python 3.12 they are not counted. */
static inline void add_references_to_none(Py_ssize_t count) {
#ifdef Py_REF_DEBUG
    for (; count > 0; count--)
        Py_INCREF(Py_None);
#elif PY_VERSION_HEX < 0x030C0000
    Py_SET_REFCNT(Py_None, Py_REFCNT(Py_None) + count);
#else
    (void) count;
#endif
}

/* A packet, or an object inside a packet, whose fields are all None. This is `__new__` without its checks of the
   class and the arguments. Apart from the header, the struct consists of fields only. */
static inline PyObject *new_packet(PyObject *packet_class) {
    PyTypeObject *type = (PyTypeObject *) packet_class;
    PyObject *packet = type->tp_alloc(type, 0);
    if (packet != NULL) {
        PyObject **field = (PyObject **) (packet + 1);
        PyObject **end = (PyObject **) ((char *) packet + type->tp_basicsize);
        add_references_to_none(end - field);
        for (; field < end; field++)
            *field = Py_None;
    }
    return packet;
}

#endif
