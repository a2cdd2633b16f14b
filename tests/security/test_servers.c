/*
 * The captured database, from without: servers that answer an agent as no PostgreSQL would. All of
 * them are instances of one agent, beside a real one: none ends the agent, holds up one of its
 * threads, or takes more memory than an answer may have.
 */
#include "tests/harness/fleet.h"

#include <stdio.h>
#include <string.h>

#include "tests/security/memory.h"
#include "tests/security/rogue.h"

#define FLOOD_BYTES (32 * 1024)
#define QUESTIONS_MIN 3           /* of a visitor who stays: it goes on */
#define AGENT_MAX_KB (512 * 1024) /* at its most; a sanitizer keeps its own */

/* ---- before anybody is let in ---- */

static void say_nothing(RogueVisit *visit)
{
    rogue_linger(visit);
}

static void say_garbage(RogueVisit *visit)
{
    static const char GARBAGE[] = "HTTP/1.1 200 OK\r\n\r\n\xff\xfe\0\0\0\xff\xff\xff\xff";
    (void)rogue_write(visit, GARBAGE, sizeof(GARBAGE));
}

static void promise_tls(RogueVisit *visit)
{
    (void)rogue_write(visit, "S\x16\x03\x03\xff\xff", 6);
    rogue_linger(visit);
}

static void ask_for_passwords(RogueVisit *visit)
{
    if (rogue_meet(visit)) {
        while (rogue_say(visit, 'R', "\0\0\0\x05salt", 8)) {
            rogue_breathe();
        }
    }
}

static void name_parameters_without_end(RogueVisit *visit)
{
    char body[64];
    bool goes_on = rogue_meet(visit) && rogue_say(visit, 'R', "\0\0\0\0", 4);
    for (unsigned i = 0; goes_on; i++) {
        int length = snprintf(body, sizeof(body), "p%08x%c%048d", i, '\0', 0);
        goes_on = rogue_say(visit, 'S', body, (size_t)length + 1);
        if (i % 512 == 0) {
            rogue_breathe();
        }
    }
}

static void note_without_end_at_the_door(RogueVisit *visit)
{
    bool goes_on = rogue_meet(visit) && rogue_say(visit, 'R', "\0\0\0\0", 4);
    while (goes_on) {
        goes_on = rogue_complain(visit, 'N', "patience", "more of it");
        rogue_breathe();
    }
}

/* ---- answers to the first question ---- */

static char flood[FLOOD_BYTES];

static void flood_with_notices(RogueVisit *visit)
{
    bool goes_on = rogue_welcome(visit) && rogue_await_sql(visit) != NULL;
    while (goes_on) {
        goes_on = rogue_complain(visit, 'N', flood, "");
        rogue_breathe();
    }
}

static void drip_notices(RogueVisit *visit)
{
    bool goes_on = rogue_welcome(visit) && rogue_await_sql(visit) != NULL;
    while (goes_on) {
        goes_on = rogue_complain(visit, 'N', "still at work", "");
        rogue_breathe();
    }
}

static void flood_with_rows(RogueVisit *visit)
{
    static const char *const FIELDS[] = { flood };
    bool goes_on =
        rogue_welcome(visit) && rogue_await_sql(visit) != NULL && rogue_say_columns(visit, 1);
    for (unsigned i = 0; goes_on; i++) {
        goes_on = rogue_say_row(visit, FIELDS, 1);
        if (i % 32 == 0) {
            rogue_breathe();
        }
    }
}

/* One message of nearly 1 GB, of which there is ever more: above that libpq ends it by itself. */
static void speak_at_length(RogueVisit *visit, char type, const char *begin, size_t length)
{
    bool goes_on = rogue_write(visit, &type, 1) && rogue_write(visit, "\x3f\xff\xff\xf0", 4) &&
                   rogue_write(visit, begin, length);
    for (unsigned i = 0; goes_on; i++) {
        goes_on = rogue_write(visit, flood, sizeof(flood));
        if (i % 32 == 0) {
            rogue_breathe();
        }
    }
}

static void complain_at_length(RogueVisit *visit)
{
    if (rogue_welcome(visit) && rogue_await_sql(visit) != NULL) {
        speak_at_length(visit, 'E', "SERROR", 7);
    }
}

static void answer_with_one_great_row(RogueVisit *visit)
{
    if (rogue_welcome(visit) && rogue_await_sql(visit) != NULL && rogue_say_columns(visit, 1)) {
        speak_at_length(visit, 'D', "\0\1\x3f\xff\xff\x00", 6);
    }
}

static void answer_without_rows(RogueVisit *visit)
{
    bool goes_on = rogue_welcome(visit);
    while (goes_on) {
        goes_on =
            rogue_await_sql(visit) != NULL && rogue_say_columns(visit, 0) && rogue_finish(visit);
    }
}

static void answer_with_too_few_columns(RogueVisit *visit)
{
    static const char *const FIELDS[] = { "1" };
    bool goes_on = rogue_welcome(visit);
    while (goes_on) {
        goes_on = rogue_await_sql(visit) != NULL && rogue_say_columns(visit, 1) &&
                  rogue_say_row(visit, FIELDS, 1) && rogue_finish(visit);
    }
}

static void answer_with_nulls(RogueVisit *visit)
{
    static const char *const FIELDS[32] = { NULL };
    bool goes_on = rogue_welcome(visit);
    while (goes_on) {
        goes_on = rogue_await_sql(visit) != NULL && rogue_say_columns(visit, 32) &&
                  rogue_say_row(visit, FIELDS, 32) && rogue_say_row(visit, FIELDS, 32) &&
                  rogue_finish(visit);
    }
}

static void begin_a_copy(RogueVisit *visit, char type)
{
    if (rogue_welcome(visit) && rogue_await_sql(visit) != NULL) {
        (void)rogue_say(visit, '1', "", 0);
        (void)rogue_say(visit, '2', "", 0);
        (void)rogue_say(visit, type, "\0\0\0", 3);
        rogue_linger(visit);
    }
}

static void begin_a_copy_in(RogueVisit *visit)
{
    begin_a_copy(visit, 'G');
}

static void begin_a_copy_out(RogueVisit *visit)
{
    begin_a_copy(visit, 'H');
}

static void begin_a_copy_both(RogueVisit *visit)
{
    begin_a_copy(visit, 'W');
}

static void forget_the_answer(RogueVisit *visit)
{
    bool goes_on = rogue_welcome(visit);
    while (goes_on) {
        goes_on = rogue_await_sql(visit) != NULL && rogue_say(visit, 'Z', "I", 1);
    }
}

static void break_the_protocol(RogueVisit *visit)
{
    if (rogue_welcome(visit) && rogue_await_sql(visit) != NULL) {
        (void)rogue_write(visit,
                          "T\0\0\0\6\xff\xff"
                          "D\0\0\0\6\xff\xff"
                          "Z\0\0\0\0",
                          19);
        rogue_linger(visit);
    }
}

/* ---- right in form ---- */

/* Half a million databases, each under a name that is none. */
static void list_databases_without_end(RogueVisit *visit)
{
    static const char *const SERVER[] = { "18446744073709551617", "f", "ZZZZZZZZ",
                                          "-99999999999999999999" };
    const char *sql = NULL;
    bool goes_on = rogue_welcome(visit);
    while (goes_on && (sql = rogue_await_sql(visit)) != NULL) {
        bool is_list = strstr(sql, "datname") != NULL && strstr(sql, "datistemplate") != NULL;
        goes_on = rogue_say_columns(visit, is_list ? 2 : 4);
        for (unsigned i = 0; goes_on && is_list && i < 100000; i++) {
            char name[64];
            snprintf(name, sizeof(name), "tenant_\x1b[2J\n../%u", i);
            const char *const fields[] = { name, "99999999999999999999" };
            goes_on = rogue_say_row(visit, fields, 2);
        }
        goes_on = goes_on && (is_list || rogue_say_row(visit, SERVER, 4)) && rogue_finish(visit);
    }
}

static const struct Way {
    const char *name;
    RogueTalk talk;
} WAYS[] = {
    { "nothing", say_nothing },
    { "garbage", say_garbage },
    { "tls", promise_tls },
    { "passwords", ask_for_passwords },
    { "parameters", name_parameters_without_end },
    { "doornotes", note_without_end_at_the_door },
    { "notices", flood_with_notices },
    { "drip", drip_notices },
    { "rows", flood_with_rows },
    { "complaint", complain_at_length },
    { "greatrow", answer_with_one_great_row },
    { "norows", answer_without_rows },
    { "columns", answer_with_too_few_columns },
    { "nulls", answer_with_nulls },
    { "copyin", begin_a_copy_in },
    { "copyout", begin_a_copy_out },
    { "copyboth", begin_a_copy_both },
    { "forgets", forget_the_answer },
    { "breaks", break_the_protocol },
    { "lists", list_databases_without_end },
};

#define WAY_COUNT (sizeof(WAYS) / sizeof(WAYS[0]))

static Rogue *rogues[WAY_COUNT];

/* What a server did has come to an end for the agent, by its leaving or by its asking on. */
static bool has_held_up_nobody(Rogue *rogue)
{
    return rogue_visits(rogue) > 0 || rogue_questions(rogue) >= QUESTIONS_MIN;
}

static int rogues_begin(void **state)
{
    memset(flood, 'x', sizeof(flood) - 1);
    for (size_t i = 0; i < WAY_COUNT; i++) {
        rogues[i] = rogue_start(WAYS[i].talk);
    }
    return fleet_test_begin(state);
}

static int rogues_end(void **state)
{
    int status = fleet_test_end(state);
    for (size_t i = 0; i < WAY_COUNT; i++) {
        rogue_stop(rogues[i]);
    }
    return status;
}

static const char *instances_of_rogues(Fleet *fleet)
{
    AUTO(Str) text = { 0 };
    for (size_t i = 0; i < WAY_COUNT; i++) {
        str_printf(&text,
                   "  - { name: %s, connection: 'host=127.0.0.1 port=%d user=skein', databases: { "
                   "include: [ '*' ] }, rediscover: 500ms }\n",
                   WAYS[i].name, rogue_port(rogues[i]));
    }
    return arena_strdup(&fleet->arena, str_text(&text));
}

static void servers_that_speak_badly_hold_up_nobody(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet->hosts[0].instances = instances_of_rogues(fleet);
    fleet_start(fleet);
    for (size_t i = 0; i < WAY_COUNT; i++) {
        FLEET_AWAIT(fleet, has_held_up_nobody(rogues[i]));
    }
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .where = "database like 'tenant_%'", .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_in_range(memory_peak_kb(fleet->hosts[0].pid), 1, AGENT_MAX_KB);
    fleet_agent_stop(fleet, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(servers_that_speak_badly_hold_up_nobody, rogues_begin,
                                        rogues_end),
    };
    return FLEET_RUN(tests);
}
