/* What a process costs, as the system counts it. */
#ifndef SKEIN_TESTS_SECURITY_MEMORY_H
#define SKEIN_TESTS_SECURITY_MEMORY_H

#include <stddef.h>

/* The most that it ever had in RAM; fails the running cmocka test when there is no such process. */
size_t memory_peak_kb(int pid);

#endif
