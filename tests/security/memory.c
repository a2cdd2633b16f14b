/* /proc/PID/status, read anew each time. */
#include "tests/security/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

size_t memory_peak_kb(int pid)
{
    char path[64];
    char line[256];
    size_t peak_kb = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "VmHWM: %zu", &peak_kb);
    }
    fclose(file);
    assert_true(peak_kb > 0);
    return peak_kb;
}
