/* Keeps the package to one frame of a traceback: the function that the caller called.

   Cython adds a frame for every function that an exception leaves. Here each new frame replaces the frames of this
   package that it would precede. Frames of other code, such as the `__buffer__` of a caller's object, stay. */

#ifndef MQTTCODEC_TRACEBACK_H
#define MQTTCODEC_TRACEBACK_H

#include <frameobject.h>

static int is_own_frame(PyFrameObject *frame) {
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *package = PyDict_GetItemString(globals, "__package__");  /* Borrowed; sets no error. */
    int is_own = package != NULL && PyUnicode_Check(package) &&
                 PyUnicode_CompareWithASCIIString(package, "mqttcodec") == 0;
    Py_DECREF(globals);
    return is_own;
}

/* The first frame of other code in a traceback, or NULL. Takes one reference and returns one. */
static PyObject *without_own_frames(PyObject *traceback) {
    while (traceback != NULL && is_own_frame(((PyTracebackObject *) traceback)->tb_frame)) {
        PyObject *next = (PyObject *) ((PyTracebackObject *) traceback)->tb_next;
        Py_XINCREF(next);
        Py_DECREF(traceback);
        traceback = next;
    }
    return traceback;
}

/* Drop this package's leading frames from the traceback of the exception that is set. */
static void drop_own_frames(void) {
#if PY_VERSION_HEX >= 0x030C0000
    PyObject *error = PyErr_GetRaisedException();
    PyObject *traceback = without_own_frames(PyException_GetTraceback(error));
    PyException_SetTraceback(error, traceback == NULL ? Py_None : traceback);
    Py_XDECREF(traceback);
    PyErr_SetRaisedException(error);
#else
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_Restore(type, error, without_own_frames(traceback));
#endif
}

static int add_only_frame(PyFrameObject *frame) {
    drop_own_frames();
    return PyTraceBack_Here(frame);
}

#define PyTraceBack_Here add_only_frame

#endif
