/*
 * Failovers: when the server that answers now lacks what an earlier one had.
 *
 * A standby that is promoted goes on on a later timeline, without the commits that had not reached
 * it. Reports and listings say on which timeline the database was when somebody looked. What its
 * newest order is reported to have made of a database must still be there on a later timeline,
 * unless somebody with a newer fence token has been at it since. Reports and listings overtake each
 * other: whichever comes second is compared with the first. Nothing is looked for while no timeline
 * changes.
 */
#include "coordinator/engine/state.h"

/* --- which order is the newest --- */

void item_note_order(Item *item, Target *target)
{
    if (target->row.token > 0 &&
        (item->newest == NULL || item->newest->row.token < target->row.token)) {
        item->newest = target;
    }
}

void item_forget_order(Item *item, const Target *target)
{
    if (item->newest == target) {
        item->newest = NULL;
    }
}

/* Under whichever of its addresses. */
static Target *newest_order(const Item *item)
{
    Target *newest = item->newest;
    for (size_t i = 0; item->family != NULL && i < item->family->items.count; i++) {
        Target *other = item->family->items.items[i]->newest;
        if (newest == NULL || (other != NULL && other->row.token > newest->row.token)) {
            newest = other;
        }
    }
    return newest;
}

/* --- what was reported against what is there --- */

bool failover_is_open(const Target *target)
{
    return target->row.state == TARGET_HELD && target->row.code == ERR_LOST_AFTER_FAILOVER;
}

/* Was its version reported as the end of an order? */
static bool is_claimed(const Target *target)
{
    TargetState state = target->row.state;
    return state == TARGET_VERIFYING || state == TARGET_HEALTHY || state == TARGET_ROLLED_BACK;
}

static bool is_lost(const TargetRow *claim, const InventoryRow *found)
{
    bool is_later = claim->timeline != 0 && found->timeline > claim->timeline;
    bool is_untouched = found->fence.token <= claim->token;
    return found->is_read && is_later && is_untouched && !str_equal(found->version, claim->version);
}

static const char *version_words(const char *version)
{
    return version[0] == '\0' ? "empty" : version;
}

static void note_loss(const Item *item, Target *claim)
{
    Place place = { .engine = claim->engine,
                    .agent = item->agent,
                    .rollout = claim->rollout,
                    .wave = claim->wave,
                    .target = claim };
    AUTO(Str) text = { 0 };
    str_printf(&text,
               "the server of %s was promoted (timeline %u to %u) and has lost what %s did there: "
               "it was reported at %s, and is at %s",
               item->row.address, claim->row.timeline, item->row.timeline, claim->rollout->row.id,
               version_words(claim->row.version), version_words(item->row.version));
    event_tell(place, "I03", ERR_LOST_AFTER_FAILOVER, str_text(&text));
}

/* From now on it says what is there, and why that is not what it said before. */
static void take_found(Target *claim, const Item *item)
{
    AUTO(Str) text = { 0 };
    str_printf(&text, "a standby was promoted (timeline %u to %u) without %s, as was reported",
               claim->row.timeline, item->row.timeline, version_words(claim->row.version));
    target_set_error(claim, ERR_LOST_AFTER_FAILOVER, str_text(&text),
                     "compare the data; then retry it from where it is now, or skip it");
    bool is_own = str_equal(item->row.rollout, claim->row.rollout);
    claim->row.applied = is_own ? item->standing : 0;
    claim->row.timeline = item->row.timeline;
    text_set(&claim->row.version, item->row.version);
}

static void set_lost(Item *item, const char *version)
{
    if (text_set(&item->row.lost, version)) {
        item_touch(item);
    }
}

static bool is_mended(const Item *item, const Target *claim)
{
    return claim == NULL || item->row.fence.token > claim->row.token ||
           str_equal(item->row.version, item->row.lost);
}

void failover_forget(Item *item)
{
    set_lost(item, "");
}

void failover_judge(Item *item)
{
    Target *claim = newest_order(item);
    if (item->row.lost[0] != '\0') { /* told already */
        set_lost(item, is_mended(item, claim) ? "" : item->row.lost);
        return;
    }
    bool is_known = claim != NULL && is_claimed(claim) && !target_is_astray(claim);
    if (!is_known || !is_lost(&claim->row, &item->row)) {
        return;
    }
    set_lost(item, version_words(claim->row.version));
    note_loss(item, claim);
    take_found(claim, item);
    if (rollout_is_open(claim->rollout->row.state)) {
        target_fire(claim, TARGET_LOST);
    }
}
