/* Limits the package to one frame in a traceback: that of the function the user called.

   Cython adds a frame for every function that an exception leaves. Here each new frame replaces the package's frames
   that would follow it. Frames of other code, such as the `__buffer__` of a caller's object, are kept. */

#ifndef MQTTCODEC_TRACEBACK_H
#define MQTTCODEC_TRACEBACK_H

#include <frameobject.h>

static int is_own_frame(PyFrameObject *frame) {
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *key = PyUnicode_InternFromString("__package__");
    PyObject *package = key == NULL ? NULL : PyDict_GetItemWithError(globals, key);  /* A borrowed reference. */
    int is_own = package != NULL && PyUnicode_Check(package) &&
                 PyUnicode_CompareWithASCIIString(package, "mqttcodec") == 0;
    PyErr_Clear();  /* Of the look-up, if memory is exhausted. The caller holds the exception that was pending. */
    Py_XDECREF(key);
    Py_DECREF(globals);
    return is_own;
}

/* The traceback from its first frame of other code on, or NULL. Consumes the reference to its argument, and returns a
   new one. */
static PyObject *without_own_frames(PyObject *traceback) {
    while (traceback != NULL && is_own_frame(((PyTracebackObject *) traceback)->tb_frame)) {
        PyObject *next = (PyObject *) ((PyTracebackObject *) traceback)->tb_next;
        Py_XINCREF(next);
        Py_DECREF(traceback);
        traceback = next;
    }
    return traceback;
}

/* Drop this package's leading frames from the traceback of the pending exception. */
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

/* Whether a frame belongs to this function. Cython caches code objects by line number alone, so a function may get the
   code object of another function on the same line of another file. */
static int is_frame_of(PyFrameObject *frame, const char *function, const char *file) {
    PyCodeObject *code = PyFrame_GetCode(frame);
    int is_same = PyUnicode_CompareWithASCIIString(code->co_name, function) == 0 &&
                  PyUnicode_CompareWithASCIIString(code->co_filename, file) == 0;
    Py_DECREF(code);
    return is_same;
}

/* A frame with this function's name, and the globals of `like`. */
static PyFrameObject *new_frame(PyFrameObject *like, const char *function, const char *file, int line) {
    PyCodeObject *code = PyCode_NewEmpty(file, function, line);
    PyObject *globals = PyFrame_GetGlobals(like);
    PyFrameObject *frame = code == NULL ? NULL : PyFrame_New(PyThreadState_Get(), code, globals, NULL);
    Py_DECREF(globals);
    Py_XDECREF(code);
    return frame;
}

/* Add a frame to the traceback of the pending exception, as the only one of this package. */
static int add_only_frame(PyFrameObject *frame, const char *function, const char *file, int line) {
    PyFrameObject *own = NULL;
    int failed;
    drop_own_frames();
    /* Without memory, the error matters more than the name of its frame. */
    if (!PyErr_ExceptionMatches(PyExc_MemoryError) && !is_frame_of(frame, function, file)) {
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        own = new_frame(frame, function, file, line);
        if (own == NULL)  /* Out of memory: keep the wrong name rather than lose the error. */
            PyErr_Clear();
        PyErr_Restore(type, error, traceback);
    }
    failed = PyTraceBack_Here(own == NULL ? frame : own);
    Py_XDECREF(own);
    return failed;
}

/* The arguments are variables of `__Pyx_AddTraceback`, the only function of Cython that calls PyTraceBack_Here. */
#define PyTraceBack_Here(frame) add_only_frame(frame, funcname, filename, py_line)

#endif
