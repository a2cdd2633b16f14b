/* An invitation's row: which agent may come once, by which key, until when. Never the token itself,
 * which is that key's secret. */
#ifndef SKEIN_COORDINATOR_STORE_INVITATION_H
#define SKEIN_COORDINATOR_STORE_INVITATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"

typedef struct InvitationRow {
    const char *key; /* public, as text */
    const char *name;
    bool replaces; /* the key that an agent of that name has */
    const char *made_by;
    int64_t made_at_ms;
    int64_t expires_at_ms;
    const char *used_key; /* that has been given the name, as text; "": it is unused */
    int64_t used_at_ms;   /* 0: it is unused */
    bool is_over;         /* it goes: the store keeps no such row */
} InvitationRow;

/* With all that it points to, in the arena. */
InvitationRow invitation_copy(const InvitationRow *row, Arena *arena);

#endif
