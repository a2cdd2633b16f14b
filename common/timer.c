/*
 * Timers: a binary heap of slots. An id is a slot's number and its generation, so that cancelling
 * costs no search and a stale id can never hit the slot's next tenant. Pure: libc only.
 */
#include "common/timer.h"

#include <limits.h>

#include "common/arena.h"
#include "common/list.h"

typedef enum SlotState {
    SLOT_FREE = 0,
    SLOT_ARMED, /* in the heap */
    SLOT_DUE,   /* taken out by a run, not yet called */
} SlotState;

typedef struct Slot {
    SlotState state;
    uint32_t generation;
    uint64_t deadline_ms;
    uint64_t order; /* of adding: breaks ties */
    TimerCallback callback;
    void *ctx;
    size_t heap_index;
} Slot;

struct Timers {
    LIST(Slot) slots;
    LIST(uint32_t) heap; /* slot numbers */
    LIST(uint32_t) free_slots;
    LIST(TimerId) due; /* of the present run */
    uint64_t next_order;
};

Timers *timers_new(void)
{
    return mem_alloc(sizeof(Timers));
}

void timers_free(Timers *timers)
{
    if (timers == NULL) {
        return;
    }
    LIST_DONE(&timers->slots);
    LIST_DONE(&timers->heap);
    LIST_DONE(&timers->free_slots);
    LIST_DONE(&timers->due);
    free(timers);
}

/* Slot numbers are stored plus one: id 0 is none. */
static TimerId id_of(const Timers *timers, uint32_t number)
{
    return (uint64_t)timers->slots.items[number].generation << 32 | (number + 1u);
}

static Slot *slot_of(Timers *timers, TimerId id)
{
    uint64_t number = (id & UINT32_MAX) - 1;
    if (id == 0 || number >= timers->slots.count) {
        return NULL;
    }
    Slot *slot = &timers->slots.items[number];
    return slot->state != SLOT_FREE && slot->generation == id >> 32 ? slot : NULL;
}

static bool is_before(const Timers *timers, uint32_t a, uint32_t b)
{
    const Slot *slot_a = &timers->slots.items[a];
    const Slot *slot_b = &timers->slots.items[b];
    if (slot_a->deadline_ms != slot_b->deadline_ms) {
        return slot_a->deadline_ms < slot_b->deadline_ms;
    }
    return slot_a->order < slot_b->order;
}

static void heap_set(Timers *timers, size_t index, uint32_t number)
{
    timers->heap.items[index] = number;
    timers->slots.items[number].heap_index = index;
}

static void heap_rise(Timers *timers, size_t index)
{
    uint32_t number = timers->heap.items[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!is_before(timers, number, timers->heap.items[parent])) {
            break;
        }
        heap_set(timers, index, timers->heap.items[parent]);
        index = parent;
    }
    heap_set(timers, index, number);
}

static void heap_sink(Timers *timers, size_t index)
{
    uint32_t number = timers->heap.items[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= timers->heap.count) {
            break;
        }
        if (child + 1 < timers->heap.count &&
            is_before(timers, timers->heap.items[child + 1], timers->heap.items[child])) {
            child++;
        }
        if (!is_before(timers, timers->heap.items[child], number)) {
            break;
        }
        heap_set(timers, index, timers->heap.items[child]);
        index = child;
    }
    heap_set(timers, index, number);
}

static void heap_remove(Timers *timers, size_t index)
{
    uint32_t last = timers->heap.items[--timers->heap.count];
    if (index == timers->heap.count) {
        return;
    }
    heap_set(timers, index, last);
    heap_sink(timers, index);
    heap_rise(timers, timers->slots.items[last].heap_index);
}

static uint32_t slot_take(Timers *timers)
{
    if (timers->free_slots.count > 0) {
        return timers->free_slots.items[--timers->free_slots.count];
    }
    LIST_PUSH(&timers->slots, (Slot){ 0 });
    return (uint32_t)(timers->slots.count - 1);
}

static void slot_release(Timers *timers, Slot *slot)
{
    slot->state = SLOT_FREE;
    slot->generation++;
    LIST_PUSH(&timers->free_slots, (uint32_t)(slot - timers->slots.items));
}

TimerId timers_add(Timers *timers, uint64_t deadline_ms, TimerCallback callback, void *ctx)
{
    uint32_t number = slot_take(timers);
    Slot *slot = &timers->slots.items[number];
    slot->state = SLOT_ARMED;
    slot->deadline_ms = deadline_ms;
    slot->order = timers->next_order++;
    slot->callback = callback;
    slot->ctx = ctx;
    LIST_PUSH(&timers->heap, number);
    heap_rise(timers, timers->heap.count - 1);
    return id_of(timers, number);
}

bool timers_cancel(Timers *timers, TimerId id)
{
    Slot *slot = slot_of(timers, id);
    if (slot == NULL) {
        return false;
    }
    if (slot->state == SLOT_ARMED) {
        heap_remove(timers, slot->heap_index);
    }
    slot_release(timers, slot);
    return true;
}

size_t timers_count(const Timers *timers)
{
    return timers->heap.count;
}

bool timers_next(const Timers *timers, uint64_t *ret_deadline_ms)
{
    if (timers->heap.count == 0) {
        return false;
    }
    *ret_deadline_ms = timers->slots.items[timers->heap.items[0]].deadline_ms;
    return true;
}

int timers_timeout_ms(const Timers *timers, uint64_t now_ms)
{
    uint64_t deadline_ms = 0;
    if (!timers_next(timers, &deadline_ms)) {
        return -1;
    }
    if (deadline_ms <= now_ms) {
        return 0;
    }
    uint64_t wait_ms = deadline_ms - now_ms;
    return wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
}

static void take_due(Timers *timers, uint64_t now_ms)
{
    LIST_CLEAR(&timers->due);
    uint64_t deadline_ms = 0;
    while (timers_next(timers, &deadline_ms) && deadline_ms <= now_ms) {
        uint32_t number = timers->heap.items[0];
        heap_remove(timers, 0);
        timers->slots.items[number].state = SLOT_DUE;
        LIST_PUSH(&timers->due, id_of(timers, number));
    }
}

/* All that is due is taken out first: what callbacks add cannot fire in this run, nor delay it. */
size_t timers_run(Timers *timers, uint64_t now_ms)
{
    take_due(timers, now_ms);
    size_t fired = 0;
    for (size_t i = 0; i < timers->due.count; i++) {
        Slot *slot = slot_of(timers, timers->due.items[i]);
        if (slot == NULL) {
            continue; /* cancelled by a callback before it */
        }
        Slot call = *slot;
        slot_release(timers, slot);
        call.callback(call.ctx, now_ms);
        fired++;
    }
    return fired;
}
