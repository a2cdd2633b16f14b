/* When a migration has to end for the sake of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/exec/watchdog.h"

#define START_MS 1000000

/* One look: what is seen, so long after the beginning, and what is to be done. */
typedef struct Look {
    uint32_t at_ms;
    uint32_t blocked;
    uint32_t ranked_ms;
    bool waits;
    BlockerKind kind; /* of all in its way */
    bool is_working;  /* it waits for its table no more */
    WatchdogWord wanted;
} Look;

static LockView view_of(const Look *look)
{
    return (LockView){
        .blocked = look->blocked,
        .ranked_ms = look->ranked_ms,
        .waits = look->waits,
        .waits_for_table = look->waits && !look->is_working,
        .blocker = { .kind = look->kind },
        .blocker_count = look->kind != BLOCKER_NONE,
        .yields = look->kind == BLOCKER_AUTOVACUUM,
    };
}

static void play(const WatchdogRules *rules, const Look *looks, size_t count)
{
    Watchdog watchdog = { 0 };
    for (size_t i = 0; i < count; i++) {
        LockView view = view_of(&looks[i]);
        WatchdogWord word = watchdog_look(&watchdog, rules, &view, START_MS + looks[i].at_ms);
        if (word != looks[i].wanted) {
            fail_msg("look %zu: %d instead of %d", i, (int)word, (int)looks[i].wanted);
        }
    }
}

#define PLAY(rules, ...)                                                                           \
    play((rules), (const Look[]){ __VA_ARGS__ },                                                   \
         sizeof((const Look[]){ __VA_ARGS__ }) / sizeof(Look))

static const WatchdogRules RULES = {
    .limit = { .blocked_sessions = 5, .for_ms = 1000 },
    .deadlock_timeout_ms = 1000,
};

static void too_many_for_too_long_end_it(void **state)
{
    (void)state;
    PLAY(&RULES, { .at_ms = 0, .blocked = 6 }, { .at_ms = 250, .blocked = 9 },
         { .at_ms = 750, .blocked = 6 },
         { .at_ms = 1000, .blocked = 6, .wanted = WATCHDOG_HELD_UP });
}

static void as_many_as_are_allowed_never_do(void **state)
{
    (void)state;
    PLAY(&RULES, { .at_ms = 0, .blocked = 5 }, { .at_ms = 5000, .blocked = 5 },
         { .at_ms = 60000, .blocked = 5, .ranked_ms = 60000 });
}

static void the_time_begins_anew_when_enough_of_them_get_through(void **state)
{
    (void)state;
    PLAY(&RULES, { .at_ms = 0, .blocked = 8 }, { .at_ms = 900, .blocked = 5 },
         { .at_ms = 1200, .blocked = 8 }, { .at_ms = 2100, .blocked = 8 },
         { .at_ms = 2200, .blocked = 8, .wanted = WATCHDOG_HELD_UP });
}

/* They may have waited for long before the first look. */
static void what_the_server_knows_of_their_waits_counts(void **state)
{
    (void)state;
    PLAY(&RULES, { .at_ms = 0, .blocked = 6, .ranked_ms = 400 },
         { .at_ms = 500, .blocked = 6, .ranked_ms = 100 },
         { .at_ms = 600, .blocked = 6, .ranked_ms = 200, .wanted = WATCHDOG_HELD_UP });
    PLAY(&RULES, { .at_ms = 0, .blocked = 6, .ranked_ms = 1000, .wanted = WATCHDOG_HELD_UP });
}

static void one_is_enough_where_none_may_wait(void **state)
{
    (void)state;
    const WatchdogRules none = { .limit = { .blocked_sessions = 0, .for_ms = 200 } };
    PLAY(&none, { .at_ms = 0, .blocked = 0 }, { .at_ms = 50, .blocked = 1 },
         { .at_ms = 250, .blocked = 1, .wanted = WATCHDOG_HELD_UP });
}

static void turned_off_it_says_nothing_of_others(void **state)
{
    (void)state;
    const WatchdogRules off = { .limit = { 0 } };
    PLAY(&off, { .at_ms = 0, .blocked = 100 }, { .at_ms = 100000, .blocked = 100 });
    assert_int_equal(watchdog_tick_ms(off.limit), 0);
}

/* Who yields does so only after deadlock_timeout: until then waiting is not in vain. */
static void what_is_about_to_yield_is_waited_for(void **state)
{
    (void)state;
    PLAY(&RULES, { .at_ms = 0, .blocked = 9, .waits = true, .kind = BLOCKER_AUTOVACUUM },
         { .at_ms = 1900, .blocked = 9, .waits = true, .kind = BLOCKER_AUTOVACUUM },
         { .at_ms = 2000,
           .blocked = 9,
           .waits = true,
           .kind = BLOCKER_AUTOVACUUM,
           .wanted = WATCHDOG_HELD_UP });
    PLAY(&RULES, { .at_ms = 0, .blocked = 9, .waits = true, .kind = BLOCKER_SESSION },
         { .at_ms = 1000,
           .blocked = 9,
           .waits = true,
           .kind = BLOCKER_SESSION,
           .wanted = WATCHDOG_HELD_UP });
}

static void what_never_yields_ends_it_at_once(void **state)
{
    (void)state;
    const WatchdogRules off = { .limit = { 0 } };
    PLAY(&RULES,
         { .at_ms = 0, .waits = true, .kind = BLOCKER_WRAPAROUND, .wanted = WATCHDOG_VAIN });
    PLAY(&off, { .at_ms = 0, .waits = true, .kind = BLOCKER_WRAPAROUND, .wanted = WATCHDOG_VAIN });
}

/* An index that is being built, or waits for old transactions: ending it leaves a carcass. */
static void outside_a_transaction_it_gets_longer_once_it_has_begun(void **state)
{
    (void)state;
    const WatchdogRules solo = { .limit = { 5, 1000 },
                                 .deadlock_timeout_ms = 1000,
                                 .is_solo = true };
    PLAY(&solo, { .at_ms = 0, .blocked = 6 }, { .at_ms = 9900, .blocked = 6 },
         { .at_ms = 10000, .blocked = 6, .wanted = WATCHDOG_HELD_UP });
    PLAY(&solo,
         { .at_ms = 0, .blocked = 6, .waits = true, .is_working = true, .kind = BLOCKER_SESSION },
         { .at_ms = 9900,
           .blocked = 6,
           .waits = true,
           .is_working = true,
           .kind = BLOCKER_SESSION });
    PLAY(&solo, { .at_ms = 0, .blocked = 6, .waits = true, .kind = BLOCKER_SESSION },
         { .at_ms = 1000,
           .blocked = 6,
           .waits = true,
           .kind = BLOCKER_SESSION,
           .wanted = WATCHDOG_HELD_UP });
}

static void outside_a_transaction_what_blocks_nobody_waits_for_anything(void **state)
{
    (void)state;
    const WatchdogRules solo = { .limit = { 5, 1000 }, .is_solo = true };
    PLAY(&solo, { .at_ms = 0, .waits = true, .kind = BLOCKER_WRAPAROUND },
         { .at_ms = 3600000, .waits = true, .kind = BLOCKER_WRAPAROUND });
}

static void it_looks_four_times_within_its_limit(void **state)
{
    (void)state;
    static const uint32_t ROWS[][2] = { { 1000, 250 }, { 100, 50 }, { 1, 50 }, { 60000, 1000 } };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(watchdog_tick_ms((PlanWatchdog){ 5, ROWS[i][0] }), ROWS[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_many_for_too_long_end_it),
        cmocka_unit_test(as_many_as_are_allowed_never_do),
        cmocka_unit_test(the_time_begins_anew_when_enough_of_them_get_through),
        cmocka_unit_test(what_the_server_knows_of_their_waits_counts),
        cmocka_unit_test(one_is_enough_where_none_may_wait),
        cmocka_unit_test(turned_off_it_says_nothing_of_others),
        cmocka_unit_test(what_is_about_to_yield_is_waited_for),
        cmocka_unit_test(what_never_yields_ends_it_at_once),
        cmocka_unit_test(outside_a_transaction_it_gets_longer_once_it_has_begun),
        cmocka_unit_test(outside_a_transaction_what_blocks_nobody_waits_for_anything),
        cmocka_unit_test(it_looks_four_times_within_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
