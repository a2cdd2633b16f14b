/* See place.h. */
#include "agent/exec/place.h"

static bool is_downward(const Action *action)
{
    return action->kind == ACTION_UNDO || action->is_down;
}

static Place between_parts(bool is_down, size_t parts_done, bool is_running)
{
    return (Place){ is_down ? "undoing" : "started", (uint32_t)parts_done, is_running };
}

static Place before(bool is_down, size_t part)
{
    if (part > 0) {
        return between_parts(is_down, part, false);
    }
    return (Place){ .state = is_down ? "applied" : NULL };
}

static Place after(bool is_down, size_t part, size_t part_count)
{
    if (part + 1 < part_count) {
        return between_parts(is_down, part + 1, false);
    }
    return (Place){ .state = is_down ? "undone" : "applied" };
}

/* A row stays: nothing of the migration is there. */
static Place back(bool is_down, size_t part)
{
    Place place = before(is_down, part);
    return place.state != NULL ? place : (Place){ .state = "undone" };
}

PlaceMove place_move(const Action *action, const PlanScript *script)
{
    bool is_down = is_downward(action);
    Place running = between_parts(is_down, action->part, true);
    Place done = after(is_down, action->part, plan_part_count(script));
    switch (action->kind) {
    case ACTION_NOTE_BEGIN:
        return (PlaceMove){ before(is_down, action->part), running };
    case ACTION_NOTE_END:
        return (PlaceMove){ running, done };
    case ACTION_NOTE_BACK:
        return (PlaceMove){ running, back(is_down, action->part) };
    default:
        return (PlaceMove){ before(is_down, action->part), done };
    }
}
