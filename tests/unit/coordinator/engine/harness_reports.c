/* What agents report of their targets. */
#include "tests/unit/coordinator/engine/harness.h"

#include <string.h>

static State state_for(Fleet *fleet, const char *address, Report what)
{
    const GoalMessage *order = goal(fleet, address);
    assert_non_null(order);
    bool is_applied = what == REPORT_APPLIED;
    return (State){
        .rollout = order->rollout,
        .target = address,
        .stamp = order->stamp,
        .token = order->token,
        .report = (uint32_t)what,
        .steps_done = is_applied ? 1 : 0,
        .steps_total = 1,
        .applied = is_applied ? 1 : 0,
        .has_start = what != REPORT_ACCEPTED && what != REPORT_REFUSED,
        .start = "0001_init",
        .version = is_applied ? "0002_currency" : "0001_init",
        .step = is_applied ? "0002_currency" : "",
        .sqlstate = "",
        .message = "",
        .hint = "",
        .migration = "",
    };
}

static void say_state(Fleet *fleet, Host *from, State state)
{
    state.report_id = ++from->report_id;
    state.timeline = state.has_start ? from->timeline : 0;
    step(fleet, (Event){ .kind = EVENT_STATE,
                         .agent = from->name,
                         .connection = from->connection,
                         .session = from->session,
                         .protocol = from->protocol,
                         .state = &state });
}

void report(Fleet *fleet, const char *address, Report what)
{
    if (what == REPORT_FAILED || what == REPORT_HELD || what == REPORT_REFUSED) {
        report_error(fleet, address, what, what == REPORT_REFUSED ? ERR_SIGNATURE : ERR_SERVER);
        return;
    }
    say_state(fleet, host_of(fleet, address), state_for(fleet, address, what));
}

void report_again(Fleet *fleet, const char *address, Report what)
{
    host_of(fleet, address)->report_id--;
    report(fleet, address, what);
}

void report_steps(Fleet *fleet, const char *address, Report what, uint32_t done, uint32_t applied)
{
    State state = state_for(fleet, address, what);
    state.steps_done = done;
    state.steps_total = done > 5 ? done : 5;
    state.applied = applied;
    state.step = done > 0 ? "0002_currency" : "";
    say_state(fleet, host_of(fleet, address), state);
}

void report_late(Fleet *fleet, const char *address, Report what, uint32_t done)
{
    Host *from = host_of(fleet, address);
    from->report_id -= 2;
    report_steps(fleet, address, what, done, done);
    from->report_id++;
}

void report_unseen(Fleet *fleet, const char *address, Report what, ErrCode code)
{
    State state = state_for(fleet, address, what);
    state.code = (uint32_t)code;
    state.has_start = false;
    say_state(fleet, host_of(fleet, address), state);
}

void report_error(Fleet *fleet, const char *address, Report what, ErrCode code)
{
    State state = state_for(fleet, address, what);
    state.code = (uint32_t)code;
    state.sqlstate = code == ERR_SERVER ? "23505" : "";
    state.message =
        code == ERR_SERVER ? "duplicate key value violates unique constraint \"u\"" : "";
    state.migration = "0002_currency";
    state.statement = 4;
    say_state(fleet, host_of(fleet, address), state);
}

void report_hint(Fleet *fleet, const char *address, Report what, const char *hint)
{
    State state = state_for(fleet, address, what);
    state.code = (uint32_t)ERR_SERVER;
    state.message = "duplicate key";
    state.hint = hint;
    say_state(fleet, host_of(fleet, address), state);
}

void report_words(Fleet *fleet, const char *address, Report what, const char *message)
{
    State state = state_for(fleet, address, what);
    state.code = ERR_SERVER;
    state.message = message;
    say_state(fleet, host_of(fleet, address), state);
}

void report_remarks(Fleet *fleet, const char *address, Report what, const Remarks *remarks)
{
    State state = state_for(fleet, address, what);
    state.code = what == REPORT_FAILED ? ERR_SERVER : ERR_NONE;
    state.remarks = *remarks;
    say_state(fleet, host_of(fleet, address), state);
}

void report_stamp(Fleet *fleet, const char *address, Report what, OrderStamp stamp)
{
    State state = state_for(fleet, address, what);
    state.stamp = stamp;
    say_state(fleet, host_of(fleet, address), state);
}

void report_as(Fleet *fleet, const char *agent, const char *address, Report what)
{
    say_state(fleet, host(fleet, agent), state_for(fleet, address, what));
}

void report_bare(Fleet *fleet, const char *agent, const State *bare)
{
    State state = *bare;
    state.start = "";
    state.version = "";
    state.sqlstate = "";
    state.message = "";
    state.hint = "";
    state.migration = "";
    say_state(fleet, host(fleet, agent), state);
}

static bool awaits_answer(const TargetRow *row)
{
    return row->report == REPORT_NONE &&
           (row->state == TARGET_ASSIGNED || row->state == TARGET_ROLLING_BACK);
}

void report_all(Fleet *fleet, Report what)
{
    size_t count = engine_target_count(fleet->engine, ROLLOUT);
    bool has_any = true;
    while (has_any) { /* an answer frees a slot for the next */
        has_any = false;
        for (size_t i = 0; i < count; i++) {
            const TargetRow *row = engine_target_at(fleet->engine, ROLLOUT, i);
            if (awaits_answer(row) && !host(fleet, row->agent)->is_silent) {
                report(fleet, row->address, what);
                has_any = true;
            }
        }
    }
}

void progress(Fleet *fleet, const char *address, const char *phase)
{
    const GoalMessage *order = goal(fleet, address);
    Host *from = host_of(fleet, address);
    Progress message = { .rollout = order->rollout,
                         .target = address,
                         .stamp = order->stamp,
                         .migration = "0002_currency",
                         .statement = 1,
                         .statement_count = 2,
                         .phase = phase,
                         .percent = 255,
                         .blocked_by = "" };
    step(fleet, (Event){ .kind = EVENT_PROGRESS,
                         .agent = from->name,
                         .connection = from->connection,
                         .session = from->session,
                         .protocol = from->protocol,
                         .progress = &message });
}
