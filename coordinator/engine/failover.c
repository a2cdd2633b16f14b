/*
 * Failovers: when the server that answers now lacks what an earlier one had.
 *
 * A standby that is promoted goes on on a later timeline, without the commits that had not reached
 * it. Reports and listings say on which timeline the database was when somebody looked; they
 * overtake each other, and whichever comes second is compared with the first. Nothing is looked for
 * while no timeline changes.
 *
 * Orders to one database lie upon each other, the newest on top, and a failover takes from the top:
 * as many as it likes. What each is reported to have made of the database must still be there on a
 * later timeline. What may be there instead, by the fence token that is found with it:
 *
 *     found fence      | left by                          | what was reported is lost when
 *     -----------------+----------------------------------+----------------------------------------
 *     up to its own    | itself, or what lies beneath it  | another version is there
 *     a newer order's  | an order upon it, which takes    | that order has not been applied, and
 *                      | back nothing but its own         | the version there is below what it did
 *     newer than all   | somebody whom nobody here sent   | never: what he took away he may take
 */
#include "coordinator/engine/state.h"

/* --- orders upon each other --- */

void item_forget_order(Item *item, const Target *target)
{
    Target **at = &item->newest;
    while (*at != NULL && *at != target) {
        at = &(*at)->beneath;
    }
    if (*at != NULL) {
        *at = target->beneath;
    }
}

void item_note_order(Item *item, Target *target)
{
    if (target->row.token == 0) {
        return;
    }
    item_forget_order(item, target);
    Target **at = &item->newest;
    while (*at != NULL && (*at)->row.token > target->row.token) {
        at = &(*at)->beneath;
    }
    target->beneath = *at;
    *at = target;
}

/* What is there now, and whose order was the last one. */
typedef struct Finding {
    const InventoryRow *row;
    const Target *newest;
} Finding;

typedef bool (*OrderTest)(const Target *target, const Finding *finding);

static Target *first_such(Target *from, OrderTest test, const Finding *finding)
{
    while (from != NULL && !test(from, finding)) {
        from = from->beneath;
    }
    return from;
}

/* The newest that passes the test, under whichever of the database's addresses; NULL: none does. */
static Target *newest_such(const Item *item, OrderTest test, const Finding *finding)
{
    Target *newest = first_such(item->newest, test, finding);
    for (size_t i = 0; item->family != NULL && i < item->family->items.count; i++) {
        const Item *other = item->family->items.items[i];
        Target *such = other == item ? NULL : first_such(other->newest, test, finding);
        if (newest == NULL || (such != NULL && such->row.token > newest->row.token)) {
            newest = such;
        }
    }
    return newest;
}

/* Others that bear the name, or have borne it, have orders of their own. */
static bool is_of_this_database(const Target *target, const Finding *finding)
{
    (void)finding;
    return !target_is_astray(target);
}

/* --- what was reported against what is there --- */

bool failover_is_open(const Target *target)
{
    return target->row.state == TARGET_HELD && target->row.code == ERR_LOST_AFTER_FAILOVER;
}

/* Applied, as was reported; and then lost, as was told. Of a rollout that has ended. */
static bool is_told(const Target *target)
{
    return target_is_applied(target) && target->row.code == ERR_LOST_AFTER_FAILOVER;
}

/* Was its version reported as the end of an order? */
static bool is_claimed(const Target *target)
{
    bool is_end = target_is_applied(target) || target->row.state == TARGET_ROLLED_BACK;
    return is_end && !is_told(target) && !target_is_astray(target);
}

/* Somebody has been at it whom nobody here sent. */
static bool is_strangers(const Finding *finding)
{
    return finding->newest == NULL || finding->row->fence.token > finding->newest->row.token;
}

/* What it did is not at the end any more. */
static bool is_below(const Target *target, const Finding *finding)
{
    return target_is_applied(target) && version_is_below(target->rollout, finding->row->version);
}

/* The newest order went all the way, and at least as far: over whatever was missing there. */
static bool is_vouched_for(const Target *target, const Finding *finding)
{
    const Target *newest = finding->newest;
    return target_is_applied(newest) && !is_told(newest) &&
           str_equal(newest->row.version, finding->row->version) &&
           !version_is_below(target->rollout, newest->rollout->to);
}

static bool is_lost(const Target *target, const Finding *finding)
{
    const TargetRow *claim = &target->row;
    const InventoryRow *found = finding->row;
    bool is_later = claim->timeline != 0 && found->timeline > claim->timeline;
    if (!found->is_read || !is_later || !is_claimed(target)) {
        return false;
    }
    if (found->fence.token <= claim->token) {
        return !str_equal(found->version, claim->version);
    }
    return !is_strangers(finding) && is_below(target, finding) && !is_vouched_for(target, finding);
}

/* What it did was taken away by somebody, or nobody can tell any more. */
static bool is_overtaken(const Target *target, const Finding *finding)
{
    return target->row.timeline != 0 && finding->row->is_read && is_claimed(target) &&
           is_strangers(finding) && is_below(target, finding);
}

static bool is_told_and_missing(const Target *target, const Finding *finding)
{
    return is_told(target) && !target_is_astray(target) && is_below(target, finding);
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
                     rollout_is_open(claim->rollout->row.state)
                         ? "compare the data; then retry it from where it is now, or skip it"
                         : "compare the data; what is missing there is applied by a new rollout");
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

static void take_loss(Item *item, Target *claim, const Finding *finding)
{
    if (claim == finding->newest) {
        set_lost(item, version_words(claim->row.version));
    }
    note_loss(item, claim);
    take_found(claim, item);
    if (rollout_is_open(claim->rollout->row.state)) {
        target_fire(claim, TARGET_LOST);
    }
}

/* By whoever brought it back, or went on from what is there. */
static bool is_mended(const Finding *finding)
{
    const Target *newest = finding->newest;
    return is_strangers(finding) || str_equal(finding->row->version, finding->row->lost) ||
           (target_is_applied(newest) && !is_told(newest));
}

/*
 * The newest order has come to another end than its plan's, and what lies beneath it is missing:
 * that nobody mends before a person begins something.
 */
static void show_beneath(Item *item, const Finding *finding)
{
    const Target *newest = finding->newest;
    bool is_bare =
        !is_strangers(finding) && !target_is_applied(newest) && !order_is_in_hand(newest);
    const Target *told = is_bare ? newest_such(item, is_told_and_missing, finding) : NULL;
    if (told != NULL && item->row.lost[0] == '\0') {
        set_lost(item, told->rollout->to);
    }
}

void failover_forget(Item *item)
{
    set_lost(item, "");
}

void failover_judge(Item *item)
{
    const Finding finding = { &item->row, newest_such(item, is_of_this_database, NULL) };
    Target *claim = NULL;
    if (item->row.lost[0] != '\0' && is_mended(&finding)) {
        set_lost(item, "");
    }
    while ((claim = newest_such(item, is_overtaken, &finding)) != NULL) {
        claim->row.timeline = 0;
        target_touch(claim);
    }
    while ((claim = newest_such(item, is_lost, &finding)) != NULL) {
        take_loss(item, claim, &finding);
    }
    show_beneath(item, &finding);
}
