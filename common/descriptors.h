/*
 * Open files: the limit of the process is raised as far as it may be, and compared with what will
 * be needed, before anything is begun. Out of descriptors a ROUTER spins, and a thread can only end
 * the process.
 */
#ifndef SKEIN_COMMON_DESCRIPTORS_H
#define SKEIN_COMMON_DESCRIPTORS_H

#include <stdint.h>

#include "common/err.h"

/* ERR_LIMIT names both numbers; the caller says what for. */
ErrCode descriptors_require(uint64_t need, Err *err);

#endif
