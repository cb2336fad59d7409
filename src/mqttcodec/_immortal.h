/* Avoids contention between threads for the reference counts of shared objects.

   Free-threaded Python counts a thread's references to objects of another thread with atomic operations, and the cache
   line moves between the cores each time. Without this file, two threads decode no more acknowledgements than one.
   References to an immortal object are not counted. The objects are few, and live as long as the process anyway. */

#ifndef MQTTCODEC_IMMORTAL_H
#define MQTTCODEC_IMMORTAL_H

#if defined(Py_GIL_DISABLED) && SIZEOF_VOID_P > 4

/* Make an object immortal. Call this in the thread that created the object, which is the one that imports the package.

   `Py_SET_REFCNT` is documented to make an object immortal if the count is above UINT32_MAX.
   `PyUnstable_SetImmortal` (Python 3.15) accepts only objects with one reference, and members of an enum have more.
   The object is untracked because in Python 3.14 the garbage collector would reset the count of a tracked object after
   that thread has ended. */
static void make_immortal(PyObject *object) {
    if (PyObject_IS_GC(object))
        PyObject_GC_UnTrack(object);
    Py_SET_REFCNT(object, (Py_ssize_t) UINT32_MAX + 1);
}

#else

static void make_immortal(PyObject *object) { (void) object; }

#endif

#endif
