/*
 * Selection: which targets a plan is for, in which order, and how the waves fall. Reads only.
 *
 * Order: by address, round-robin over instances, so that the first wave touches many hosts a little
 * and not one host a lot. Waves are cumulative and round up; the last holds everything.
 */
#include <stdlib.h>
#include <string.h>

#include "coordinator/engine/state.h"
#include "proto/address.h"
#include "proto/select.h"

#define LEFT_OUT_SHOWN 6

typedef struct Pick {
    const Item *item;
    Address address;
    uint32_t rank; /* its place among the targets of its instance */
} Pick;

typedef struct Selection {
    const Engine *engine;
    Arena *arena;
    Select *where;
    LIST(Pick) picks;
    LIST(PlanLeftOut) left_out;
} Selection;

static const Labels *instance_labels(const Item *item)
{
    static const Labels NONE = { 0 };
    for (size_t i = 0; item->agent != NULL && i < item->agent->row.instance_count; i++) {
        const InstanceRow *instance = &item->agent->row.instances[i];
        if (str_equal(instance->name, item->row.instance)) {
            return &instance->labels;
        }
    }
    return &NONE;
}

static SelectSubject subject_of(const Item *item, const Address *address)
{
    static const Labels NONE = { 0 };
    return (SelectSubject){
        .instance = item->row.instance,
        .host = item->row.agent,
        .database = address->database,
        .schema = address->schema,
        .version = item->row.version,
        .agent_labels = item->agent == NULL ? &NONE : &item->agent->row.labels,
        .instance_labels = instance_labels(item),
    };
}

bool engine_selects(const Engine *engine, const Select *where, size_t index)
{
    AUTO(Arena) arena = { 0 };
    const Item *item = engine->items.items[index];
    Address address;
    if (address_parse(item->row.address, &arena, &address, NULL) != ERR_NONE) {
        return false;
    }
    SelectSubject subject = subject_of(item, &address);
    return select_matches(where, &subject);
}

static SelectDoubts *doubts_of(const Engine *engine, const Select *where, Arena *arena)
{
    SelectDoubts *doubts = select_doubts_new(where, arena);
    for (size_t i = 0; i < engine->items.count; i++) {
        const Item *item = engine->items.items[i];
        Address address;
        if (address_parse(item->row.address, arena, &address, NULL) == ERR_NONE) {
            SelectSubject subject = subject_of(item, &address);
            select_doubts_take(doubts, &subject);
        }
    }
    return doubts;
}

void engine_doubt(const Engine *engine, const Select *where, Str *out)
{
    AUTO(Arena) arena = { 0 };
    if (engine->items.count == 0) {
        str_append(out, "the fleet has no targets yet");
        return;
    }
    select_doubts_tell(doubts_of(engine, where, &arena), out);
}

void engine_doubt_label(const Engine *engine, const Select *where, Str *out)
{
    AUTO(Arena) arena = { 0 };
    select_doubts_tell_label(doubts_of(engine, where, &arena), out);
}

/* A replica's listing of a database that another instance has writable. */
static bool is_served_elsewhere(const Item *item)
{
    for (size_t i = 0; item->family != NULL && i < item->family->items.count; i++) {
        const InventoryRow *other = &item->family->items.items[i]->row;
        if (other != &item->row && !other->in_recovery && !other->is_gone) {
            return true;
        }
    }
    return false;
}

static ErrCode check_pick(const Item *item, Err *err)
{
    const char *address = item->row.address;
    if (item->row.in_recovery) {
        err_set(err, ERR_REPLICA, "%s is only known on a replica", address);
        return err_hint(err, "bring its primary into the fleet, or leave it out with `where`");
    }
    if (item->row.is_disputed) {
        err_set(err, ERR_IDENTITY, "%s is disputed: two writable databases claim to be it",
                address);
        return err_hint(err, "fence off the one that is not the primary, or leave it out");
    }
    if (item->target != NULL) {
        const Rollout *other = item->target->rollout;
        err_set(err, ERR_CONFLICT, "%s belongs to rollout %s, which is open (%s)", address,
                other->row.id, rollout_state_name(other->row.state));
        return other->row.state == ROLLOUT_ROLLBACK_HELD
                   ? err_hint(err,
                              "`skein rollout show %s` says what is left of it: retry or skip it",
                              other->row.id)
                   : err_hint(err, "wait for its end, or end it by `skein rollout abort %s`",
                              other->row.id);
    }
    return ERR_NONE;
}

/* Listed, and by the server that has it writable if any has. */
static bool is_there(const Selection *selection, const Item *item, Address *ret_address)
{
    return !item->row.is_gone && item->agent != NULL &&
           !(item->row.in_recovery && is_served_elsewhere(item)) &&
           address_parse(item->row.address, selection->arena, ret_address, NULL) == ERR_NONE;
}

static bool is_chosen(const Selection *selection, const Item *item)
{
    Address address;
    if (!is_there(selection, item, &address)) {
        return false;
    }
    SelectSubject subject = subject_of(item, &address);
    return select_matches(selection->where, &subject);
}

/*
 * A server that does not answer, whose databases another one has taken over: a target of each would
 * be two of one database, and the first would fail by its absence. Without the other one in the
 * selection it stays: its target moves there.
 */
static bool leave_out(Selection *selection, const Item *item)
{
    const Item *heir = family_heir(item);
    if (heir == NULL || !is_chosen(selection, heir)) {
        return false;
    }
    LIST_PUSH(&selection->left_out, ((PlanLeftOut){ item->row.address, heir->row.address }));
    return true;
}

static ErrCode pick_item(Selection *selection, const Item *item, Err *err)
{
    Pick pick = { .item = item };
    if (!is_there(selection, item, &pick.address)) {
        return ERR_NONE;
    }
    if (!item->row.is_read && select_uses_version(selection->where)) {
        err_set(err, ERR_REFUSED, "%s has not been read yet, and `where` asks for its version",
                item->row.address);
        return err_hint(err, "wait until `skein targets` shows its version, or select by something "
                             "else");
    }
    SelectSubject subject = subject_of(item, &pick.address);
    if (!select_matches(selection->where, &subject) || leave_out(selection, item)) {
        return ERR_NONE;
    }
    ErrCode code = check_pick(item, err);
    if (code == ERR_NONE) {
        LIST_PUSH(&selection->picks, pick);
    }
    return code;
}

/* --- a database as a whole, and schemas of it --- */

/* Who speaks for one database: what is picked, and what is in open rollouts. */
typedef struct Claims {
    const Item *whole;
    const Item *schema;
} Claims;

static bool is_whole(const Item *item)
{
    return item->row.identity.schema[0] == '\0';
}

static Claims *claims_of(const Selection *selection, Map *databases, const Item *item)
{
    const Identity *identity = &item->row.identity;
    const char *key =
        arena_printf(selection->arena, "%llu/%u", (unsigned long long)identity->system_identifier,
                     identity->database_oid);
    Claims *claims = map_get(databases, key);
    if (claims == NULL) {
        claims = ARENA_NEW(selection->arena, Claims);
        map_put(databases, key, claims);
    }
    return claims;
}

static void claims_take(const Selection *selection, Map *databases, const Item *item)
{
    if (item->row.identity.system_identifier != 0) {
        Claims *claims = claims_of(selection, databases, item);
        const Item **claim = is_whole(item) ? &claims->whole : &claims->schema;
        *claim = *claim == NULL ? item : *claim;
    }
}

static ErrCode refuse_nested(const Item *whole, const Item *schema, Err *err)
{
    static const char WAIT[] = "wait for its end, or leave the other one out with `where`";
    if (whole->target != NULL) {
        err_set(err, ERR_CONFLICT, "%s lies inside %s, which belongs to rollout %s, which is open",
                schema->row.address, whole->row.address, whole->target->rollout->row.id);
        return err_hint(err, WAIT);
    }
    if (schema->target != NULL) {
        err_set(err, ERR_CONFLICT, "%s holds %s, which belongs to rollout %s, which is open",
                whole->row.address, schema->row.address, schema->target->rollout->row.id);
        return err_hint(err, WAIT);
    }
    err_set(err, ERR_CONFLICT,
            "%s lies inside %s: a schema and its whole database are both selected",
            schema->row.address, whole->row.address);
    return err_hint(
        err, "migrate one or the other: schema = '' selects whole databases, schema != '' schemas");
}

/*
 * What is done to a whole database may be done to its schemas, too, and each has a history that
 * knows nothing of the other's.
 */
static ErrCode check_nesting(const Selection *selection, Err *err)
{
    AUTO_PTR(Map) databases = map_new();
    const Engine *engine = selection->engine;
    for (size_t i = 0; i < engine->items.count; i++) {
        if (engine->items.items[i]->target != NULL) {
            claims_take(selection, databases, engine->items.items[i]);
        }
    }
    LIST_EACH(pick, &selection->picks) {
        claims_take(selection, databases, pick->item);
        const Claims *claims = pick->item->row.identity.system_identifier == 0
                                   ? NULL
                                   : claims_of(selection, databases, pick->item);
        if (claims != NULL && claims->whole != NULL && claims->schema != NULL) {
            return refuse_nested(claims->whole, claims->schema, err);
        }
    }
    return ERR_NONE;
}

/* --- order and waves --- */

static int pick_order(const void *a, const void *b)
{
    const Pick *left = a;
    const Pick *right = b;
    if (left->rank != right->rank) {
        return left->rank < right->rank ? -1 : 1;
    }
    return strcmp(left->item->row.address, right->item->row.address);
}

/* Items come by address, so those of one instance stand together. */
static void rank_picks(Selection *selection)
{
    uint32_t rank = 0;
    for (size_t i = 0; i < selection->picks.count; i++) {
        Pick *pick = &selection->picks.items[i];
        bool is_same = i > 0 && str_equal(pick->address.instance,
                                          selection->picks.items[i - 1].address.instance);
        rank = is_same ? rank + 1 : 0;
        pick->rank = rank;
    }
    qsort(selection->picks.items, selection->picks.count, sizeof(Pick), pick_order);
}

TargetRow selection_target(const InventoryRow *item, const Address *address, Arena *arena)
{
    TargetRow row;
    row_init(ROW_TARGET, &row);
    row.address = arena_strdup(arena, item->address);
    row.identity = item->identity;
    row.identity.schema = arena_strdup(arena, item->identity.schema);
    row.agent = arena_strdup(arena, item->agent);
    row.instance = arena_strdup(arena, item->instance);
    row.database = address->database;
    row.version = arena_strdup(arena, item->version);
    row.state = TARGET_PENDING;
    return row;
}

static void fill_preview(const Selection *selection, const Plan *plan, PlanPreview *preview)
{
    Arena *arena = selection->arena;
    size_t total = selection->picks.count;
    const PlanStrategy *strategy = &plan->strategy;
    *preview = (PlanPreview){
        .targets = ARENA_ARRAY(arena, TargetRow, total),
        .is_read = ARENA_ARRAY(arena, bool, total),
        .target_count = total,
        .wave_targets = ARENA_ARRAY(arena, uint32_t, strategy->wave_count),
        .wave_count = strategy->wave_count,
        .max_failures = amount_round_down(strategy->max_failures, (uint32_t)total),
        .left_out = ARENA_ARRAY(arena, PlanLeftOut, selection->left_out.count),
        .left_out_count = selection->left_out.count,
    };
    for (size_t i = 0; i < selection->left_out.count; i++) {
        preview->left_out[i] = selection->left_out.items[i];
    }
    uint32_t at = 0;
    for (size_t wave = 0; wave < strategy->wave_count; wave++) {
        bool is_last = wave + 1 == strategy->wave_count;
        uint32_t end = is_last ? (uint32_t)total
                               : amount_round_up(strategy->waves[wave].targets, (uint32_t)total);
        for (; at < end; at++, preview->wave_targets[wave]++) {
            const Pick *pick = &selection->picks.items[at];
            preview->targets[at] = selection_target(&pick->item->row, &pick->address, arena);
            preview->targets[at].wave = (uint32_t)wave;
            preview->is_read[at] = pick->item->row.is_read;
        }
    }
}

void preview_tell_left_out(const PlanPreview *preview, Str *out)
{
    size_t count = preview->left_out_count;
    if (count == 0) {
        return;
    }
    str_printf(out,
               count == 1 ? "%zu target is left out: its server does not answer, and another "
                            "one serves its database now, which is selected: "
                          : "%zu targets are left out: their servers do not answer, and others "
                            "serve their databases now, which are selected: ",
               count);
    for (size_t i = 0; i < count && i < LEFT_OUT_SHOWN; i++) {
        str_printf(out, "%s%s as %s", i == 0 ? "" : ", ", preview->left_out[i].address,
                   preview->left_out[i].served_as);
    }
    if (count > LEFT_OUT_SHOWN) {
        str_printf(out, " and %zu more", count - LEFT_OUT_SHOWN);
    }
}

static ErrCode nothing_selected(const Selection *selection, const char *where, Err *err)
{
    AUTO(Str) doubt = { 0 };
    if (where[0] == '\0') {
        err_set(err, ERR_REFUSED, "the fleet has no targets");
        return err_hint(err, "`skein agents list` shows which agents are there");
    }
    engine_doubt(selection->engine, selection->where, &doubt);
    err_set(err, ERR_REFUSED, "no target matches: %s", where);
    return err_hint(err, "%s (`skein targets --where EXPR` shows what an expression selects)",
                    str_text(&doubt));
}

static ErrCode pick_all(Selection *selection, const Plan *plan, Err *err)
{
    const Engine *engine = selection->engine;
    ErrCode code = select_parse(plan->where, selection->arena, &selection->where, err);
    for (size_t i = 0; code == ERR_NONE && i < engine->items.count; i++) {
        code = pick_item(selection, engine->items.items[i], err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (selection->picks.count == 0) {
        return nothing_selected(selection, plan->where, err);
    }
    return ERR_NONE;
}

ErrCode selection_make(const Engine *engine, const Plan *plan, Arena *arena,
                       PlanPreview *ret_preview, Err *err)
{
    Selection selection = { .engine = engine, .arena = arena };
    ErrCode code = pick_all(&selection, plan, err);
    if (code == ERR_NONE) {
        code = check_nesting(&selection, err);
    }
    if (code == ERR_NONE) {
        rank_picks(&selection);
        fill_preview(&selection, plan, ret_preview);
    }
    LIST_DONE(&selection.picks);
    LIST_DONE(&selection.left_out);
    return code;
}
