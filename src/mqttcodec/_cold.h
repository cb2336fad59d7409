/* Marks functions that raise errors or handle uncommon values. The compiler moves the calls, and the code around them,
   out of the common path. */

#ifndef MQTTCODEC_COLD_H
#define MQTTCODEC_COLD_H

#if defined(__GNUC__)
#define COLD __attribute__((cold))
#else
#define COLD
#endif

#endif
