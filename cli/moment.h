/*
 * Moments as people type them: until when a plan may run, how long a token lives.
 */
#ifndef SKEIN_CLI_MOMENT_H
#define SKEIN_CLI_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

#define MOMENT_DAYS_MAX 366
#define MOMENT_FORMS "a moment in UTC, as 2026-12-01T18:00Z"

/* Instead of a moment: nobody has said one; somebody has said that there is none. */
#define MOMENT_UNSAID INT64_C(0)
#define MOMENT_NEVER INT64_C(-1)
#define MOMENT_WORD_NEVER "never"

/* "12h", "90d": days are beyond what other durations may be. */
bool moment_parse_life(const char *text, int64_t *ret_ms);

/* "2026-12-01T18:00Z", with or without seconds. Unix time, after 1970. */
bool moment_parse(const char *text, int64_t *ret_s);

/* The same, a life from `now_s` on, "3d", or "never": MOMENT_NEVER. ERR_USAGE names `option`. */
ErrCode moment_read(const char *option, const char *text, int64_t now_s, int64_t *ret_s, Err *err);

#endif
