/* Effects sorted, events and audit rows written to the log. */
#include "coordinator/batch.h"

#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/str.h"

/* Is the effect for the store? */
static bool is_durable(EffectKind kind)
{
    switch (kind) {
    case EFFECT_PERSIST_AGENT:
    case EFFECT_PERSIST_INVENTORY:
    case EFFECT_FORGET_INVENTORY:
    case EFFECT_PERSIST_ROLLOUT:
    case EFFECT_PERSIST_WAVE:
    case EFFECT_PERSIST_TARGET:
    case EFFECT_PERSIST_BASELINE:
    case EFFECT_PERSIST_PLAN:
    case EFFECT_FORGET_ROLLOUT:
    case EFFECT_FORGET_OLD:
    case EFFECT_PUBLISH_EVENT:
        return true;
    case EFFECT_NONE:
    case EFFECT_SEND:
    case EFFECT_CLOSE_SESSION:
    case EFFECT_KIND_COUNT_:
        break;
    }
    return false;
}

bool batch_is_durable(const Effects *effects)
{
    for (size_t i = 0; i < effects->list.count; i++) {
        if (is_durable(effects->list.items[i].kind)) {
            return true;
        }
    }
    return false;
}

/* An empty text is no field. */
static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

void batch_log_event(const EventRow *event)
{
    log_info("state changed", LOG_STR("rule", event->rule),
             LOG_STR("rollout", or_null(event->rollout)), LOG_STR("wave", or_null(event->wave)),
             LOG_STR("target", or_null(event->target)), LOG_STR("agent", or_null(event->agent)),
             LOG_STR("old", or_null(event->old_state)), LOG_STR("new", or_null(event->new_state)),
             LOG_STR("actor", event->actor),
             LOG_STR("code", event->code == ERR_NONE ? NULL : err_name(event->code)),
             LOG_STR("text", event->text));
}

void batch_log_audit(const AuditRow *row)
{
    char hash[2 * AUDIT_HASH_BYTES + 1];
    hex_encode(row->hash, AUDIT_HASH_BYTES, hash);
    log_info("audited", LOG_U64("seq", row->seq), LOG_STR("hash", hash),
             LOG_STR("actor", or_null(row->actor)), LOG_STR("origin", or_null(row->origin)),
             LOG_STR("action", row->action), LOG_STR("code", or_null(row->code)));
}

Deed batch_term_deed(const char *action, uint64_t term, Arena *arena)
{
    Deed deed = { .audit = audit_row(action) };
    deed.audit.time_ms = clock_wall_ms();
    deed.audit.actor = "coordinator";
    deed.audit.origin = arena_printf(arena, "uid %u", (unsigned)geteuid());
    deed.audit.detail =
        arena_printf(arena, "term %llu, skein " SKEIN_VERSION, (unsigned long long)term);
    return deed;
}
