/* Keeps threads from contending for the reference counts of objects that they all use.

   On free-threaded Python a thread counts its references to another thread's objects with atomic operations, and the
   cores pass the cache line back and forth: two threads decoded no more PUBACK packets than one. References to an
   immortal object are not counted. The objects are few and live as long as the process anyway. */

#ifndef MQTTCODEC_IMMORTAL_H
#define MQTTCODEC_IMMORTAL_H

#if defined(Py_GIL_DISABLED) && SIZEOF_VOID_P > 4

/* `PyUnstable_SetImmortal` (Python 3.15) takes only objects with one reference, which members of an enum never are.
   `Py_SET_REFCNT` is documented to make an object immortal when the count is above UINT32_MAX. Call it in the thread
   that made the object: the one that imports the package.

   The collector of Python 3.14 counts a tracked object again after that thread has ended. */
static void make_immortal(PyObject *object) {
    if (PyObject_IS_GC(object))
        PyObject_GC_UnTrack(object);
    Py_SET_REFCNT(object, (Py_ssize_t) UINT32_MAX + 1);
}

#else

static void make_immortal(PyObject *object) { (void) object; }

#endif

#endif
