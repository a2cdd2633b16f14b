/* A target's remarks as the text that the store keeps: a JSON object. */
#ifndef SKEIN_COORDINATOR_STORE_REMARKS_TEXT_H
#define SKEIN_COORDINATOR_STORE_REMARKS_TEXT_H

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"
#include "proto/remarks.h"

/* Appends. */
void remarks_write(const Remarks *remarks, Str *out);

/* "": NULL. Else in the arena. ERR_STORE: it is nothing that remarks_write writes. */
ErrCode remarks_read(const char *text, Arena *arena, const Remarks **ret_remarks, Err *err);

#endif
