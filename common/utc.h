/*
 * A moment as text. Pure: it asks neither clock nor time zone.
 */
#ifndef SKEIN_COMMON_UTC_H
#define SKEIN_COMMON_UTC_H

#include <stdint.h>

#define UTC_TEXT_MAX 40

/* "2026-03-01T12:00:05.042Z" */
void utc_format(int64_t wall_ms, char ret_text[UTC_TEXT_MAX]);

/* "2026-03-01T12:00:05Z": what people set has no fraction. */
void utc_format_s(int64_t wall_s, char ret_text[UTC_TEXT_MAX]);

#endif
