/* Copies of invitations' rows. */
#include "coordinator/store/invitation.h"

InvitationRow invitation_copy(const InvitationRow *row, Arena *arena)
{
    InvitationRow copy = *row;
    const char **const texts[] = { &copy.key, &copy.name, &copy.made_by, &copy.used_key };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i] = arena_strdup(arena, *texts[i]);
    }
    return copy;
}
