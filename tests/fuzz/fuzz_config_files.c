/*
 * agent.yaml, coordinator.yaml and rollout files by their own tables. What is asked of them:
 * config_value.h. Only the tables: nothing that a value names is opened.
 */
#include "fuzz.h"

#include <string.h>

#include "agent/config.h"
#include "cli/moment.h"
#include "cli/rollout_file.h"
#include "common/utc.h"
#include "config_value.h"
#include "coordinator/config.h"

static const ConfigTable *const TABLES[] = { &AGENT_CONFIG_TABLE, &COORDINATOR_CONFIG,
                                             &ROLLOUT_FILE_TABLE };

static void write_until(const void *member, Str *out)
{
    char text[UTC_TEXT_MAX];
    int64_t until_s = 0;
    memcpy(&until_s, member, sizeof(until_s));
    FUZZ_REQUIRE(until_s >= MOMENT_NEVER);
    utc_format_s(until_s, text);
    str_append(out, until_s == MOMENT_UNSAID  ? "7 days"
                    : until_s == MOMENT_NEVER ? MOMENT_WORD_NEVER
                                              : text);
}

void config_value_write_custom(const ConfigField *field, const void *member, Str *out)
{
    if (str_ends_with(field->key, "_until")) {
        write_until(member, out);
        return;
    }
    if (!str_equal(field->key, "time_scale")) {
        const Amount *amount = member;
        FUZZ_REQUIRE(field->member_bytes == sizeof(*amount));
        FUZZ_REQUIRE(!amount->is_percent || amount->value <= 100);
        str_printf(out, "%u%s", amount->value, amount->is_percent ? "%" : "");
        return;
    }
    double factor = 0;
    memcpy(&factor, member, sizeof(factor));
    FUZZ_REQUIRE(factor >= 0.001 && factor <= 100);
    str_printf(out, "%.17g", factor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < ARRAY_LEN(TABLES); i++) {
        config_value_try(TABLES[i], data, size);
    }
    return 0;
}

bool fuzz_seed(size_t index, Str *out)
{
    static const char *const SEEDS[] = {
        "coordinator: tcp://skein.example:7420\ncoordinator_key: /c.pub\nkey_file: /a.key\n"
        "trusted_signers: [ /o.pub ]\ntrusted_people: [ { name: ann, keys: [ /a.pub ] } ]\nlabels: { env: prod }\nconnections_per_instance: 4\n"
        "log: { level: debug, format: json }\ninstances:\n  - name: db1\n"
        "    connection: postgresql://skein@/postgres?host=/run\n    schemas: { include: [ 'customer_*' ], exclude: [ public ] }\n"
        "    rediscover: 5s\n  - { name: db2, connection: 'host=x user=''a b''', databases: { exclude: [ a ] } }\n",
        "listen: tcp://0.0.0.0:7420\ntime_scale: 0.05\napi: { listen: '[::1]:8420', group: '' }\n"
        "intervals: { heartbeat: 5s, lost: 1m, mass_loss_percent: 50 }\nlog:\n  level: error\n",
        "name: invoice-currency\nto: head\napply_until: 2026-12-01T18:00Z\ntargets: { where: \"labels.env = 'prod' and not host like "
        "'a%'\" }\nshared_schemas: [ public ]\nstrategy:\n  waves:\n"
        "    - { name: canary, targets: 1, soak: 60s, approval: required }\n"
        "    - { name: rest, targets: 100% }\n  max_failures: 3%\n  strict: yes\n"
        "  on_failure: roll_back_wave\n  on_agent_lost: { after: 120s, then: wait }\n"
        "  timeouts: { lock: 2s, statement: 15m, concurrent: 2h, target: 30m }\n",
    };
    if (index < ARRAY_LEN(TABLES)) {
        config_print_sample(TABLES[index], out);
    } else if (index < ARRAY_LEN(TABLES) + ARRAY_LEN(SEEDS)) {
        str_append(out, SEEDS[index - ARRAY_LEN(TABLES)]);
    }
    return index < ARRAY_LEN(TABLES) + ARRAY_LEN(SEEDS);
}
