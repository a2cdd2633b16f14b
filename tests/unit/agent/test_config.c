/* agent.yaml: the sample is the table's, and what is wrong is said with file, line and column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/config.h"
#include "common/file.h"

static char directory[] = "/tmp/skein-agent-config.XXXXXX";

static const char *path_of(Arena *arena, const char *name)
{
    return arena_printf(arena, "%s/%s", directory, name);
}

/* Keys that the configurations below name; the tests run in their directory. */
static int make_keys(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(KeyPair) link = { 0 };
    AUTO(KeyPair) signer = { 0 };
    AUTO(KeyPair) second = { 0 };
    AUTO(KeyPair) third = { 0 };
    Err err;
    if (mkdtemp(directory) == NULL || key_generate(KEY_CURVE, "skein", &link, &err) != ERR_NONE ||
        key_generate(KEY_SIGN, "operator", &signer, &err) != ERR_NONE ||
        key_generate(KEY_SIGN, "second", &second, &err) != ERR_NONE ||
        key_generate(KEY_SIGN, "third", &third, &err) != ERR_NONE ||
        keyfile_write(&second, path_of(&arena, "second"), &err) != ERR_NONE ||
        keyfile_write(&third, path_of(&arena, "third"), &err) != ERR_NONE ||
        keyfile_write(&link, path_of(&arena, "coordinator"), &err) != ERR_NONE ||
        keyfile_write(&signer, path_of(&arena, "signer"), &err) != ERR_NONE) {
        return -1;
    }
    return chdir(directory);
}

static int drop_keys(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    static const char *const NAMES[] = { "coordinator", "coordinator.pub", "signer",
                                         "signer.pub",  "second",          "second.pub",
                                         "third",       "third.pub",       "agent.yaml" };
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        unlink(path_of(&arena, NAMES[i]));
    }
    return chdir("/") != 0 || rmdir(directory) != 0;
}

#define HEAD                                                                                       \
    "coordinator: tcp://127.0.0.1:7420\ncoordinator_key: coordinator.pub\nkey_file: agent\n"
#define SIGNERS "trusted_signers: [ signer.pub ]\n"
#define INSTANCES "instances: [ { name: db1, connection: \"host=/tmp dbname=postgres\" } ]\n"

static ErrCode load(const char *text, Arena *arena, AgentConfig *config, Err *err)
{
    assert_int_equal(file_write_atomic("agent.yaml", text, strlen(text), 0600, err), ERR_NONE);
    return agent_config_load("agent.yaml", arena, config, err);
}

static void the_table_is_sound(void **state)
{
    (void)state;
    Err err = { 0 };
    if (config_check_table(&AGENT_CONFIG_TABLE, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

static void the_sample_in_deploy_is_what_the_table_prints(void **state)
{
    (void)state;
    AUTO(Str) printed = { 0 };
    AUTO(Str) sample = { 0 };
    Err err;
    config_print_sample(&AGENT_CONFIG_TABLE, &printed);
    assert_int_equal(file_read(SKEIN_SOURCE_DIR "/deploy/agent.yaml", 1 << 20, &sample, &err),
                     ERR_NONE);
    assert_string_equal(str_text(&sample), str_text(&printed));
}

static void a_whole_configuration_is_read_with_its_keys(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AgentConfig config;
    Err err = { 0 };
    if (load(HEAD SIGNERS INSTANCES, &arena, &config, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(config.instance_count, 1);
    assert_int_equal(config.connections_per_instance, 8);
    assert_int_equal(config.instances[0].rediscover_ms, 30000);
    assert_int_equal(config.trusted_signer_count, 1);
    assert_int_equal(config.trust.count, 1);
    assert_int_equal(config.trust.required, 1);
}

static void keys_are_trusted_alone_or_as_a_persons(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AgentConfig config;
    Err err = { 0 };
    if (load(HEAD SIGNERS "trusted_people: [ { name: ann, keys: [ second.pub, third.pub ] } ]\n"
                          "required_signatures: 2\nplans_must_expire: true\n" INSTANCES,
             &arena, &config, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(config.trust.count, 3);
    assert_int_equal(config.trust.required, 2);
    assert_true(config.trust.wants_end);
    assert_int_equal(trust_people(&config.trust), 2);
    assert_string_equal(config.trust.keys[0].person, "");
    assert_string_equal(config.trust.keys[2].person, "ann");
}

typedef struct BadCase {
    const char *text;
    const char *message;
} BadCase;

static const BadCase BAD_CASES[] = {
    { HEAD SIGNERS "instances: [ { name: db1, connection: \"host=/tmp password=hunter2\" } ]\n",
      "agent.yaml:5:39: 'connection' is refused: holds a password, which does not belong in this file" },
    { HEAD SIGNERS
      "instances:\n  - { name: db1, connection: host=/a }\n  - { name: db1, connection: host=/b }\n",
      "agent.yaml:7:13: two instances are named 'db1'" },
    { HEAD "trusted_signers: [ coordinator.pub ]\n" INSTANCES, "agent.yaml:4:20: " },
    { HEAD "trusted_signers: [ signer.pub, ./signer.pub ]\n" INSTANCES,
      "agent.yaml:4:32: this key is listed twice" },
    { HEAD SIGNERS "trusted_people: [ { name: ann, keys: [ signer.pub ] } ]\n" INSTANCES,
      "agent.yaml:5:40: this key is listed twice" },
    { HEAD "trusted_signers: []\n"
           "trusted_people:\n  - { name: ann, keys: [ signer.pub ] }\n"
           "  - { name: bob, keys: [ ./signer.pub ] }\n" INSTANCES,
      "agent.yaml:7:26: this key is listed twice, first as one of 'ann'" },
    { HEAD SIGNERS "trusted_people: [ { name: ann, keys: [] } ]\n" INSTANCES, "agent.yaml:5:" },
    { HEAD SIGNERS "required_signatures: 2\n" INSTANCES,
      "agent.yaml:5:22: the signatures of 2 people are required, and only 1 is trusted" },
    { HEAD "trusted_signers: []\n"
           "trusted_people: [ { name: ann, keys: [ signer.pub, second.pub ] } ]\n"
           "required_signatures: 2\n" INSTANCES,
      "agent.yaml:6:22: the signatures of 2 people are required, and only 1 is trusted" },
    { HEAD SIGNERS "required_signatures: 0\n" INSTANCES, "agent.yaml:5:22: " },
    { HEAD SIGNERS "required_signatures: 9\n" INSTANCES, "agent.yaml:5:22: " },
    { "coordinator: 127.0.0.1:7420\n", "agent.yaml:1:14: " },
    { HEAD SIGNERS INSTANCES "conections_per_instance: 4\n", "agent.yaml:6:1: " },
    { HEAD SIGNERS "instances: []\n", "agent.yaml:5:12: " },
    { HEAD SIGNERS
      "instances:\n  - name: db1\n    connection: host=/a\n    schemas: { exclude: [ public ] }\n",
      "agent.yaml:8:14: 'schemas' includes none" },
    { HEAD SIGNERS "instances: [ { name: db1, connection: host=/a, sample_every: 50ms } ]\n",
      "agent.yaml:5:62: 'sample_every' is 0 (never) or at least 100 ms" },
};

static void what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD_CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AgentConfig config;
        Err err = { 0 };
        assert_int_not_equal(load(BAD_CASES[i].text, &arena, &config, &err), ERR_NONE);
        if (strncmp(err.message, BAD_CASES[i].message, strlen(BAD_CASES[i].message)) != 0) {
            fail_msg("case %zu: %s", i, err.message);
        }
    }
}

/* Who can put another key there would have this agent run what he likes. */
static void a_signers_key_that_everybody_may_write_to_is_refused(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AgentConfig config;
    Err err = { 0 };
    assert_int_equal(chmod("signer.pub", 0666), 0);
    ErrCode code = load(HEAD SIGNERS INSTANCES, &arena, &config, &err);
    assert_int_equal(chmod("signer.pub", 0644), 0);
    assert_int_equal(code, ERR_CONFIG);
    assert_non_null(strstr(err.message, "agent.yaml:4:20: everybody may write to 'signer.pub'"));
    assert_non_null(strstr(err.hint, "chmod o-w 'signer.pub'"));
}

static ErrCode load_sampled(size_t count, const char *every, Err *err)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    AgentConfig config;
    str_append(&text, HEAD SIGNERS "instances:\n");
    for (size_t i = 0; i < count; i++) {
        str_printf(&text, "  - { name: db%zu, connection: host=/a, sample_every: %s }\n", i, every);
    }
    return load(str_text(&text), &arena, &config, err);
}

static void samples_of_all_instances_are_no_more_than_a_coordinator_takes(void **state)
{
    (void)state;
    Err err = { 0 };
    assert_int_equal(load_sampled(256, "5s", &err), ERR_NONE);
    assert_int_equal(load_sampled(256, "0", &err), ERR_NONE);
    assert_int_equal(load_sampled(20, "100ms", &err), ERR_NONE);
    assert_int_equal(load_sampled(21, "100ms", &err), ERR_CONFIG);
    assert_string_equal(err.message, "agent.yaml:6:3: the 21 instances make 210 samples a second, "
                                     "more than the 200 of an agent");
    assert_int_equal(load_sampled(256, "1s", &err), ERR_CONFIG);
}

static void a_password_is_never_quoted(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AgentConfig config;
    Err err = { 0 };
    load(BAD_CASES[0].text, &arena, &config, &err);
    assert_null(strstr(err.message, "hunter2"));
    assert_null(strstr(err.hint, "hunter2"));
    assert_non_null(strstr(err.hint, "~/.pgpass")); /* and where it belongs is said */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(the_sample_in_deploy_is_what_the_table_prints),
        cmocka_unit_test(a_whole_configuration_is_read_with_its_keys),
        cmocka_unit_test(keys_are_trusted_alone_or_as_a_persons),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(a_signers_key_that_everybody_may_write_to_is_refused),
        cmocka_unit_test(samples_of_all_instances_are_no_more_than_a_coordinator_takes),
        cmocka_unit_test(a_password_is_never_quoted),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
