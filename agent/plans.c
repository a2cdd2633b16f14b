/* The plans at hand: a short list by hash, each fetched in order, chunk by chunk. */
#include "agent/plans.h"

#include <string.h>

#include "common/arena.h"
#include "common/list.h"
#include "common/str.h"

/* Plans kept for goals that may come back to them (a roll back); the oldest
 * unused one goes first. */
#define UNUSED_KEPT_MAX 8

typedef struct Entry {
    HeldPlan held;
    PlanFetch fetch;
    Err err;
    Arena arena; /* of the decoded plan and the bundle's bytes */
    uint8_t *bytes;
    uint64_t size_bytes; /* 0: not known before the first chunk */
    uint64_t received;
    uint64_t asked_at_ms;
    bool is_asked;
    unsigned restarts;
    uint32_t holds;
    bool is_kept;  /* over the next plans_drop_refused */
    uint64_t used; /* rises with every use: the smallest is the oldest */
} Entry;

struct Plans {
    Trust trust;
    LIST(Entry *) entries;
    uint64_t uses;
};

Plans *plans_new(const Trust *trust)
{
    Plans *plans = mem_alloc(sizeof(Plans));
    plans->trust = *trust;
    return plans;
}

static void entry_free(Entry *entry)
{
    arena_done(&entry->arena);
    free(entry);
}

void plans_free(Plans *plans)
{
    for (size_t i = 0; i < plans->entries.count; i++) {
        entry_free(plans->entries.items[i]);
    }
    LIST_DONE(&plans->entries);
    free(plans);
}

static Entry *find(const Plans *plans, const uint8_t *hash, size_t *ret_index)
{
    for (size_t i = 0; i < plans->entries.count; i++) {
        if (memcmp(plans->entries.items[i]->held.hash, hash, PLAN_HASH_BYTES) == 0) {
            *ret_index = i;
            return plans->entries.items[i];
        }
    }
    return NULL;
}

static void drop(Plans *plans, size_t index)
{
    entry_free(plans->entries.items[index]);
    LIST_REMOVE(&plans->entries, index);
}

/* Makes room before a plan is added: the oldest of those that nobody holds. */
static void drop_oldest_unused(Plans *plans)
{
    size_t unused = 0;
    size_t oldest = 0;
    uint64_t oldest_use = UINT64_MAX;
    for (size_t i = 0; i < plans->entries.count; i++) {
        const Entry *entry = plans->entries.items[i];
        if (entry->holds > 0 || entry->fetch != PLAN_FETCH_READY) {
            continue;
        }
        unused++;
        if (entry->used < oldest_use) {
            oldest_use = entry->used;
            oldest = i;
        }
    }
    if (unused >= UNUSED_KEPT_MAX) {
        drop(plans, oldest);
    }
}

PlanFetch plans_want(Plans *plans, const uint8_t hash[PLAN_HASH_BYTES], const HeldPlan **ret_plan,
                     Err *err)
{
    size_t index = 0;
    Entry *entry = find(plans, hash, &index);
    if (entry == NULL) {
        drop_oldest_unused(plans);
        entry = mem_alloc(sizeof(Entry));
        entry->fetch = PLAN_FETCH_UNDER_WAY;
        memcpy(entry->held.hash, hash, PLAN_HASH_BYTES);
        LIST_PUSH(&plans->entries, entry);
    }
    entry->used = ++plans->uses;
    if (entry->fetch == PLAN_FETCH_READY) {
        *ret_plan = &entry->held;
    }
    if (entry->fetch == PLAN_FETCH_FAILED) {
        *err = entry->err;
    }
    return entry->fetch;
}

static bool is_refused(const Entry *entry)
{
    bool is_untrusted = entry->fetch == PLAN_FETCH_READY && !entry->held.is_trusted;
    bool is_waited_for = entry->holds > 0 || entry->is_kept;
    return !is_waited_for && (is_untrusted || entry->fetch == PLAN_FETCH_FAILED);
}

void plans_drop_refused(Plans *plans)
{
    for (size_t i = plans->entries.count; i > 0; i--) {
        Entry *entry = plans->entries.items[i - 1];
        if (is_refused(entry)) {
            drop(plans, i - 1);
        } else {
            entry->is_kept = false;
        }
    }
}

void plans_keep(Plans *plans, const HeldPlan *plan)
{
    size_t index = 0;
    Entry *entry = find(plans, plan->hash, &index);
    entry->is_kept = true;
}

void plans_hold(Plans *plans, const HeldPlan *plan)
{
    size_t index = 0;
    Entry *entry = find(plans, plan->hash, &index);
    entry->holds++;
}

void plans_release(Plans *plans, const HeldPlan *plan)
{
    size_t index = 0;
    Entry *entry = find(plans, plan->hash, &index);
    entry->holds--;
}

bool plans_next_request(Plans *plans, uint64_t now_ms, uint64_t repeat_ms, PlanGet *ret_get)
{
    for (size_t i = 0; i < plans->entries.count; i++) {
        Entry *entry = plans->entries.items[i];
        if (entry->fetch != PLAN_FETCH_UNDER_WAY ||
            (entry->is_asked && now_ms - entry->asked_at_ms < repeat_ms)) {
            continue;
        }
        entry->is_asked = true;
        entry->asked_at_ms = now_ms;
        *ret_get =
            (PlanGet){ .hash = { entry->held.hash, PLAN_HASH_BYTES }, .offset = entry->received };
        return true;
    }
    return false;
}

bool plans_is_fetching(const Plans *plans)
{
    for (size_t i = 0; i < plans->entries.count; i++) {
        if (plans->entries.items[i]->fetch == PLAN_FETCH_UNDER_WAY) {
            return true;
        }
    }
    return false;
}

void plans_restart_requests(Plans *plans)
{
    for (size_t i = 0; i < plans->entries.count; i++) {
        plans->entries.items[i]->is_asked = false;
    }
}

static void judge(const Trust *trust, const Bundle *bundle, HeldPlan *held)
{
    const Plan *plan = held->plan;
    bool is_given = trust_is_given(trust, bundle);
    held->is_trusted = is_given && trust_takes_end(trust, plan);
    if (!is_given) {
        trust_refuse(trust, bundle, plan->name, &held->distrust);
    } else if (!held->is_trusted) {
        trust_refuse_endless(plan->name, &held->distrust);
    }
}

static ErrCode open_bundle(const Plans *plans, Entry *entry, Err *err)
{
    Bundle bundle;
    Plan *plan = NULL;
    Select *selection = NULL;
    Bytes bytes = { entry->bytes, entry->size_bytes };
    ErrCode code = bundle_open(bytes, &bundle, err);
    if (code == ERR_NONE && memcmp(bundle.hash, entry->held.hash, PLAN_HASH_BYTES) != 0) {
        code = err_set(err, ERR_SIGNATURE, "the plan received is not the one its hash names");
    }
    if (code == ERR_NONE) {
        code = plan_decode(bundle.canonical, &entry->arena, &plan, err);
    }
    if (code == ERR_NONE) {
        code = select_parse(plan->where, &entry->arena, &selection, err);
    }
    if (code == ERR_NONE) {
        entry->held.plan = plan;
        entry->held.selection = selection;
        judge(&plans->trust, &bundle, &entry->held);
    }
    return code;
}

static bool end_fetch(Entry *entry, ErrCode code)
{
    entry->fetch = code == ERR_NONE ? PLAN_FETCH_READY : PLAN_FETCH_FAILED;
    return true;
}

/* The first chunk says how large the bundle is; the size is checked before it is allocated. */
static ErrCode begin(Entry *entry, const PlanChunk *chunk)
{
    if (chunk->total_size == 0) {
        err_set(&entry->err, ERR_NOT_FOUND, "the coordinator does not have the plan");
        return err_hint(&entry->err, "bring it: `skein rollout retry --failed --plan FILE`");
    }
    if (chunk->total_size > BUNDLE_MAX) {
        return err_set(&entry->err, ERR_LIMIT, "the plan is larger than %d MiB",
                       BUNDLE_MAX / 1024 / 1024);
    }
    entry->size_bytes = chunk->total_size;
    entry->bytes = arena_alloc(&entry->arena, (size_t)chunk->total_size);
    return ERR_NONE;
}

/* A signature was added meanwhile: the bundle that was begun is not there any more. As often as
 * there can be some. */
static bool has_changed(const Entry *entry, const PlanChunk *chunk)
{
    return entry->bytes != NULL && chunk->total_size != entry->size_bytes &&
           entry->restarts < PLAN_SIGNATURES_MAX;
}

static void begin_again(Entry *entry)
{
    arena_done(&entry->arena);
    entry->bytes = NULL;
    entry->received = 0;
    entry->is_asked = false;
    entry->restarts++;
}

bool plans_take(Plans *plans, const PlanChunk *chunk)
{
    size_t index = 0;
    Entry *entry = find(plans, chunk->hash.data, &index);
    if (entry == NULL || entry->fetch != PLAN_FETCH_UNDER_WAY || chunk->offset != entry->received) {
        return false; /* doubled, late, or never asked for */
    }
    if (has_changed(entry, chunk)) {
        begin_again(entry);
        return false;
    }
    if (entry->bytes == NULL && begin(entry, chunk) != ERR_NONE) {
        return end_fetch(entry, entry->err.code);
    }
    if (chunk->total_size != entry->size_bytes || chunk->data.length == 0 ||
        chunk->data.length > entry->size_bytes - entry->received) {
        err_set(&entry->err, ERR_PROTOCOL, "the plan's chunks do not fit together");
        return end_fetch(entry, entry->err.code);
    }
    memcpy(entry->bytes + entry->received, chunk->data.data, chunk->data.length);
    entry->received += chunk->data.length;
    entry->is_asked = false;
    if (entry->received < entry->size_bytes) {
        return false;
    }
    return end_fetch(entry, open_bundle(plans, entry, &entry->err));
}
