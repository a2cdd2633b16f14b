/*
 * The one way to change a state: find the rule, run its action, set the state, write the event.
 * Knows no machine in particular.
 */
#include <string.h>

#include "coordinator/engine/state.h"

static const char COORDINATOR[] = "coordinator";

bool rule_moves(const Rule *rule)
{
    return rule->to >= 0;
}

static const char *row_text(Arena *arena, const char *text)
{
    return arena_strdup(arena, text == NULL ? "" : text);
}

/* An event with where it happened; rule, states and text are the caller's. */
static EventRow *event_new(const Place *place)
{
    Engine *engine = place->engine;
    Arena *arena = &engine->out->arena;
    const Target *target = place->target;
    EventRow *event = ARENA_NEW(arena, EventRow);
    event->time_ms = engine->wall_ms;
    event->rollout = row_text(arena, place->rollout == NULL ? "" : place->rollout->row.id);
    event->wave = row_text(arena, place->wave == NULL ? "" : place->wave->row.name);
    event->target = row_text(arena, target == NULL ? "" : target->row.address);
    event->agent = row_text(arena, place->agent == NULL ? "" : place->agent->row.name);
    event->old_state = "";
    event->new_state = "";
    event->code = target == NULL ? ERR_NONE : target->row.code;
    event->actor = row_text(arena, engine->actor[0] == '\0' ? COORDINATOR : engine->actor);
    return event;
}

static const char *event_text(const Place *place, const char *pattern)
{
    AUTO(Str) text = { 0 };
    sentence_write(&text, pattern, place);
    return row_text(&place->engine->out->arena, str_text(&text));
}

static void event_publish(Engine *engine, EventRow *event)
{
    effects_add(engine->out, (Effect){ .kind = EFFECT_PUBLISH_EVENT, .event = event });
}

static void record(const Machine *machine, const Place *place, const Rule *rule, int old_state)
{
    Engine *engine = place->engine;
    EventRow *event = event_new(place);
    const RuleTable *table = machine->table;
    event->rule = rule->id;
    event->old_state = table->state_name(old_state);
    event->new_state = table->state_name(rule->to);
    event->text = event_text(place, rule->why);
    event_publish(engine, event);
}

void event_tell(Place place, const char *rule, ErrCode code, const char *text)
{
    EventRow *event = event_new(&place);
    event->rule = rule;
    event->code = code;
    event->text = row_text(&place.engine->out->arena, text);
    event_publish(place.engine, event);
}

void event_note(Place place, const char *rule, ErrCode code, const char *sentence)
{
    event_tell(place, rule, code, event_text(&place, sentence));
}

const Rule *machine_fire(const Machine *machine, void *subject, int event)
{
    Place place = machine->place(subject);
    int old_state = machine->state(subject);
    const Rule *rule = rule_find(machine->table, old_state, event, subject);
    LIST_PUSH(&place.engine->trail, rule);
    if (rule->to == RULE_IGNORE || rule->to == RULE_REJECT) {
        return rule;
    }
    if (rule->action != NULL) {
        rule->action(subject);
    }
    if (!rule_moves(rule)) {
        return rule;
    }
    machine->set_state(subject, rule->to);
    place = machine->place(subject); /* an action may have moved it to another agent */
    record(machine, &place, rule, old_state);
    if (machine->entered != NULL) {
        machine->entered(subject, old_state, rule);
    }
    return rule;
}

ErrCode machine_refuse(const Machine *machine, void *subject, const Rule *rule, Err *err)
{
    AUTO(Str) text = { 0 };
    Place place = machine->place(subject);
    sentence_write(&text, rule->why, &place);
    return err_set(err, ERR_REFUSED, "%s", str_text(&text));
}
