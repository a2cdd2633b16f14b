/* The world: a binary heap by (time, sequence), the story and the verdict. */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/list.h"
#include "common/str.h"

/* More than this in one seed is a storm of messages or timers: itself a bug. */
#define HAPPENINGS_MAX 3000000
/* As is this many without the clock moving. */
#define HAPPENINGS_AT_ONCE_MAX 100000

#define BOOT_MS 1000000 /* no clock starts at zero */
#define WALL_MS INT64_C(1767225600000)

typedef struct Happening {
    uint64_t at_ms;
    uint64_t seq;
    WorldAction action;
    void *ctx;
    uint64_t tag;
} Happening;

struct World {
    uint64_t now_ms;
    uint64_t next_seq;
    uint64_t happened;
    uint64_t happened_at_once;
    uint64_t digest;
    uint64_t seed;
    LIST(Happening) heap;
    FILE *story;
    Str violation;
    uint32_t sights[SIGHT_COUNT_];
    bool rules[RULES_MAX];
};

World *world_new(uint64_t seed, FILE *story)
{
    World *world = mem_alloc(sizeof(*world));
    world->now_ms = BOOT_MS;
    world->story = story;
    world->seed = seed;
    return world;
}

void world_free(World *world)
{
    LIST_DONE(&world->heap);
    str_done(&world->violation);
    free(world);
}

uint64_t world_now_ms(const World *world)
{
    return world->now_ms;
}

int64_t world_wall_ms(const World *world)
{
    return WALL_MS + (int64_t)world->now_ms;
}

static bool is_before(const Happening *a, const Happening *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

static void swap(Happening *a, Happening *b)
{
    Happening kept = *a;
    *a = *b;
    *b = kept;
}

void world_at(World *world, uint64_t at_ms, WorldAction action, void *ctx, uint64_t tag)
{
    Happening happening = { .at_ms = at_ms < world->now_ms ? world->now_ms : at_ms,
                            .seq = world->next_seq++,
                            .action = action,
                            .ctx = ctx,
                            .tag = tag };
    LIST_PUSH(&world->heap, happening);
    Happening *heap = world->heap.items;
    for (size_t i = world->heap.count - 1; i > 0 && is_before(&heap[i], &heap[(i - 1) / 2]);) {
        swap(&heap[i], &heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

void world_after(World *world, uint64_t delay_ms, WorldAction action, void *ctx, uint64_t tag)
{
    world_at(world, world->now_ms + delay_ms, action, ctx, tag);
}

static Happening heap_pop(World *world)
{
    Happening *heap = world->heap.items;
    Happening first = heap[0];
    size_t count = --world->heap.count;
    heap[0] = heap[count];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < count; child++) {
            if (is_before(&heap[child], &heap[least])) {
                least = child;
            }
        }
        if (least == i) {
            return first;
        }
        swap(&heap[i], &heap[least]);
        i = least;
    }
}

static void check_storm(World *world)
{
    if (++world->happened > HAPPENINGS_MAX) {
        world_violate(world, "bounded work", "more than %d things happened", HAPPENINGS_MAX);
    }
    if (++world->happened_at_once > HAPPENINGS_AT_ONCE_MAX) {
        world_violate(world, "bounded work", "%d things happened and the clock stood still",
                      HAPPENINGS_AT_ONCE_MAX);
    }
}

bool world_step(World *world, uint64_t until_ms)
{
    if (world->heap.count == 0 || world->heap.items[0].at_ms > until_ms ||
        world_violation(world) != NULL) {
        return false;
    }
    Happening happening = heap_pop(world);
    if (happening.at_ms != world->now_ms) {
        world->happened_at_once = 0;
    }
    world->now_ms = happening.at_ms;
    world_mix(world, happening.at_ms ^ happening.seq << 32);
    check_storm(world);
    happening.action(happening.ctx, happening.tag);
    return world_violation(world) == NULL;
}

void world_advance(World *world, uint64_t until_ms)
{
    if (until_ms > world->now_ms) {
        world->now_ms = until_ms;
    }
}

Dice world_dice(const World *world, DiceOwner owner, uint64_t number)
{
    return dice_new(world->seed, owner, number);
}

void world_tell(World *world, const char *who, const char *format, ...)
{
    if (world->story == NULL) {
        return;
    }
    uint64_t now_ms = world->now_ms - BOOT_MS;
    fprintf(world->story, "%7llu.%03llu  %-12s ", (unsigned long long)(now_ms / 1000),
            (unsigned long long)(now_ms % 1000), who);
    va_list args;
    va_start(args, format);
    vfprintf(world->story, format, args);
    va_end(args);
    fputc('\n', world->story);
}

bool world_is_told(const World *world)
{
    return world->story != NULL;
}

void world_violate(World *world, const char *invariant, const char *format, ...)
{
    if (world->violation.length > 0) {
        return;
    }
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    str_printf(&world->violation, "%s: %s", invariant, text);
    world_tell(world, "VIOLATED", "%s", str_text(&world->violation));
}

const char *world_violation(const World *world)
{
    return world->violation.length > 0 ? str_text(&world->violation) : NULL;
}

void world_saw(World *world, Sight sight)
{
    world->sights[sight]++;
}

const uint32_t *world_sights(const World *world)
{
    return world->sights;
}

void world_saw_rule(World *world, const Rule *rule)
{
    world->rules[rules_index(rule)] = true;
}

const bool *world_rules(const World *world)
{
    return world->rules;
}

uint64_t world_digest(const World *world)
{
    return world->digest;
}

void world_mix(World *world, uint64_t value)
{
    uint64_t mixed = (world->digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    world->digest = mixed ^ (mixed >> 29);
}
