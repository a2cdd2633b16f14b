/* coordinator.yaml: what it means, what it refuses, and that its sample is the documentation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/file.h"
#include "coordinator/config.h"

static ErrCode read_text(const char *text, Arena *arena, CoordinatorConfig *config, Err *err)
{
    AUTO_PTR(ConfigDocument) document = NULL;
    ErrCode code = config_parse("coordinator.yaml", text, strlen(text), &document, err);
    return code == ERR_NONE ? coordinator_config_read(document, arena, config, err) : code;
}

static void the_table_is_sound(void **state)
{
    (void)state;
    Err err = { 0 };
    if (config_check_table(&COORDINATOR_CONFIG, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

static void the_sample_is_what_the_table_says(void **state)
{
    (void)state;
    AUTO(Str) printed = { 0 };
    AUTO(Str) kept = { 0 };
    Err err = { 0 };
    config_print_sample(&COORDINATOR_CONFIG, &printed);
    assert_int_equal(file_read(SKEIN_SOURCE_DIR "/deploy/coordinator.yaml", 1 << 20, &kept, &err),
                     ERR_NONE);
    assert_string_equal(str_text(&printed), str_text(&kept));
}

static void an_empty_file_gives_the_engines_own_defaults(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    CoordinatorConfig config;
    EngineConfig defaults;
    Err err = { 0 };
    engine_config_defaults(&defaults);
    assert_int_equal(read_text("", &arena, &config, &err), ERR_NONE);
    assert_memory_equal(&config.intervals, &defaults, sizeof(defaults));
    assert_string_equal(config.listen, "tcp://127.0.0.1:7420");
    assert_string_equal(config.api.group, "skein");
    assert_int_equal(config.log.level, LOG_LEVEL_INFO);
}

static void one_factor_scales_all_intervals_and_no_percentage(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    CoordinatorConfig config;
    Err err = { 0 };
    assert_int_equal(read_text("time_scale: 0.1", &arena, &config, &err), ERR_NONE);
    assert_int_equal(config.intervals.heartbeat_ms, 500);
    assert_int_equal(config.intervals.lost_ms, 3000);
    assert_int_equal(config.intervals.mass_loss_window_ms, 6000);
    assert_int_equal(config.intervals.mass_loss_percent, 30);
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *place;
        const char *words;
    } CASES[] = {
        { "lisen: x", "coordinator.yaml:1:1", "lisen" },
        { "listen: 127.0.0.1:7420", "coordinator.yaml:1:9", "listen" },
        { "listen: 'tcp://*:99999'", "coordinator.yaml:1:9", "1 to 65535" },
        { "listen: tcp://10.0.0.1", "coordinator.yaml:1:9", "1 to 65535" },
        { "api: { listen: 127.0.0.1 }", "coordinator.yaml:1:16", "port" },
        { "api: { listen: '127.0.0.1:0' }", "coordinator.yaml:1:16", "port" },
        { "store: /a\ntime_scale: 0", "coordinator.yaml:2:13", "0.001 to 100" },
        { "time_scale: fast", "coordinator.yaml:1:13", "fast" },
        { "api: { listen: '0.0.0.0:8420' }", "coordinator.yaml:1:16", "without TLS" },
        { "api: { listen: '0.0.0.0:8420', tls: { certificate: c, key: k } }",
          "coordinator.yaml:1:16", "api.names" },
        { "api: { tls: { certificate: c } }", "coordinator.yaml:1:13", "go together" },
        { "api: { tls: { key: k } }", "coordinator.yaml:1:13", "go together" },
        { "log: { level: loud }", "coordinator.yaml:1:15", "loud" },
        { "handshakes_per_second: 0", "coordinator.yaml:1:24", "from 1" },
        { "log:\n  level: info\nintervals:\n  suspect: 9s", "coordinator.yaml:4:3", "heartbeat" },
        { "intervals: { lost: 15s }", "coordinator.yaml:1:12", "lost" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        CoordinatorConfig config;
        Err err = { 0 };
        assert_int_equal(read_text(CASES[i].text, &arena, &config, &err), ERR_CONFIG);
        if (!str_starts_with(err.message, CASES[i].place) ||
            strstr(err.message, CASES[i].words) == NULL) {
            fail_msg("%s: %s", CASES[i].text, err.message);
        }
    }
}

/* Half of what does not fit together may not even be written in the file. */
static void intervals_that_do_not_fit_are_told_with_their_defaults(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    CoordinatorConfig config;
    Err err = { 0 };
    assert_int_equal(read_text("intervals: { heartbeat: 20s }", &arena, &config, &err), ERR_CONFIG);
    assert_string_equal(err.hint, "heartbeat is 20s, suspect is 15s by default, lost is 30s by "
                                  "default, lease is 20s by default");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(the_sample_is_what_the_table_says),
        cmocka_unit_test(an_empty_file_gives_the_engines_own_defaults),
        cmocka_unit_test(one_factor_scales_all_intervals_and_no_percentage),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(intervals_that_do_not_fit_are_told_with_their_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
