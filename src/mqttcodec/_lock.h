/* A lock for an object on free-threaded Python. With a GIL it does nothing: the code that it would protect runs no
   Python code, so no other thread interrupts it.

   A critical section would not do: while a thread waits for another one, its critical sections are suspended. */

#ifndef MQTTCODEC_LOCK_H
#define MQTTCODEC_LOCK_H

#ifdef Py_GIL_DISABLED

typedef PyMutex Lock;

static inline void acquire(Lock *lock) { PyMutex_Lock(lock); }
static inline void release(Lock *lock) { PyMutex_Unlock(lock); }

#else

typedef char Lock;

static inline void acquire(Lock *lock) { (void) lock; }
static inline void release(Lock *lock) { (void) lock; }

#endif

#endif
