/*
 * Failpoints: places where a test can make the process die, freeze, fail or dawdle.
 *
 *     FAILPOINT("store.before_commit");
 *     ErrCode code = FAILPOINT_ERROR("store.commit", err);
 *
 * They are nothing at all unless the build has -DSKEIN_FAILPOINTS=ON. Then the environment names
 * which ones act, and at which passing (from 1; without @ at every one):
 *
 *     SKEIN_FAILPOINTS="store.before_commit=kill@3,link.send=delay:200,store.commit=error@1"
 *
 * kill: kill -9 of the own process. stop: SIGSTOP. error: FAILPOINT_ERROR gives an ERR_IO (a plain
 * FAILPOINT ignores it). delay:MS: sleeps. Passings are counted per entry, over all threads. The
 * names in use are found by `grep -rn FAILPOINT`.
 */
#ifndef SKEIN_COMMON_FAILPOINT_H
#define SKEIN_COMMON_FAILPOINT_H

#include "common/err.h"

#define FAILPOINT_VARIABLE "SKEIN_FAILPOINTS"

#ifdef SKEIN_FAILPOINTS
#define FAILPOINT(name) failpoint_pass("" name)
#define FAILPOINT_ERROR(name, err) failpoint_pass_error("" name, (err))
#else
#define FAILPOINT(name) ((void)0)
#define FAILPOINT_ERROR(name, err) ((void)(err), ERR_NONE)
#endif

/*
 * Call once at the start of main, before threads. ERR_CONFIG: the variable is malformed, or it is
 * set in a build without failpoints, where a test would believe it tests what it does not.
 */
ErrCode failpoint_init(Err *err);

/*
 * As failpoint_init, from `spec` instead of the environment; NULL or "" clears. For tests, in any
 * build.
 */
ErrCode failpoint_set(const char *spec, Err *err);

/* What the macros call. */
void failpoint_pass(const char *name);
ErrCode failpoint_pass_error(const char *name, Err *err);

#endif
