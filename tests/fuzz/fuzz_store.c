/*
 * A store that lies: an input is damage done to a sound file with a rollout in it, in its rows or
 * in its bytes. Then a coordinator starts on it. It starts, or says in words what is wrong; nothing
 * of it may be believed so far that the process dies.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>
#include <sqlite3.h>

#include "check.h"
#include "common/list.h"
#include "coordinator.h"
#include "coordinator/store/store.h"

#define DAMAGES_MAX 16
#define DAMAGE_BYTES 8
#define LONG_TEXT 5000

/* --- a file --- */

static char directory[64];
static char path[96];

/* What SQLite and the store keep beside the file. */
static const char *const SUFFIXES[] = { "", "-wal", "-shm", "-lock" };

static void remove_files(void)
{
    for (size_t i = 0; i < ARRAY_LEN(SUFFIXES); i++) {
        AUTO(Str) name = { 0 };
        str_printf(&name, "%s%s", path, SUFFIXES[i]);
        unlink(str_text(&name));
    }
}

static void remove_directory(void)
{
    remove_files();
    rmdir(directory);
}

/* In memory, where there is such a place: thousands of files are written. */
static void make_directory(void)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    FUZZ_REQUIRE(text_format(directory, sizeof(directory), "%s/skein-fuzz-XXXXXX", base));
    FUZZ_REQUIRE(mkdtemp(directory) != NULL);
    FUZZ_REQUIRE(text_format(path, sizeof(path), "%s/c.db", directory));
    FUZZ_REQUIRE(atexit(remove_directory) == 0);
}

static void read_file(Str *out)
{
    char buffer[4096];
    size_t length = 0;
    FILE *file = fopen(path, "rb");
    FUZZ_REQUIRE(file != NULL);
    while ((length = fread(buffer, 1, sizeof(buffer), file)) > 0) {
        str_append_bytes(out, buffer, length);
    }
    fclose(file);
}

static void write_file(const Str *bytes)
{
    remove_files();
    FILE *file = fopen(path, "wb");
    FUZZ_REQUIRE(file != NULL);
    FUZZ_REQUIRE(fchmod(fileno(file), 0600) == 0);
    FUZZ_REQUIRE(fwrite(bytes->data, 1, bytes->length, file) == bytes->length);
    FUZZ_REQUIRE(fclose(file) == 0);
}

/* --- a sound one --- */

static void bring_and_start(Coordinator *coordinator)
{
    const SealedPlan *sample = sample_plan();
    Err err = { 0 };
    Event bring = { .kind = EVENT_PLAN_BROUGHT,
                    .brought = { .plan = sample->plan,
                                 .plan_hash = sample->hash,
                                 .bundle = sample->bundle,
                                 .signers = "a key",
                                 .actor = "operator ann" } };
    Event start = { .kind = EVENT_START_ROLLOUT,
                    .start = { .id = "r-1",
                               .plan = sample->plan,
                               .plan_hash = sample->hash,
                               .actor = "operator ann" } };
    Event approve = { .kind = EVENT_COMMAND,
                      .command = { .verb = COMMAND_APPROVE,
                                   .rollout = "r-1",
                                   .wave = "",
                                   .actor = "operator ann",
                                   .reason = "" } };
    FUZZ_REQUIRE(shell_request(coordinator->shell, &bring, NULL, &err) == ERR_NONE);
    FUZZ_REQUIRE(shell_request(coordinator->shell, &start, NULL, &err) == ERR_NONE);
    FUZZ_REQUIRE(shell_request(coordinator->shell, &approve, NULL, &err) == ERR_NONE);
}

/* One target applied, one at work, one failed, which pauses the rollout, two to come. */
static void make_sound(void)
{
    Coordinator coordinator = { 0 };
    Store *store = NULL;
    Err err = { 0 };
    FUZZ_REQUIRE(store_sqlite_open(path, &store, &err) == ERR_NONE);
    FUZZ_REQUIRE(coordinator_open(&coordinator, store, &err) == ERR_NONE);
    coordinator_join(&coordinator);
    bring_and_start(&coordinator);
    coordinator_report(&coordinator, 0, REPORT_APPLIED);
    coordinator_report(&coordinator, 1, REPORT_RUNNING);
    coordinator_report(&coordinator, 2, REPORT_FAILED);
    coordinator_done(&coordinator);
}

static const Str *sound_file(void)
{
    static Str sound; /* as long as the process */
    if (sound.length == 0) {
        make_directory();
        make_sound();
        read_file(&sound);
    }
    return &sound;
}

/* --- damage --- */

typedef struct StoreTable {
    const char *name;
    const char *key; /* finds one row */
    const char *columns[40];
} StoreTable;

static const StoreTable TABLES[] = {
    { "meta", "id", { "term", "made_by" } },
    { "agents",
      "name",
      { "name", "state", "labels", "inventory_revision", "heard_at_ms", "reason", "term_claims" } },
    { "instances", "place", { "agent", "name", "system_identifier", "in_recovery", "labels" } },
    { "inventory",
      "address",
      { "address", "agent", "instance", "system_identifier", "database_oid", "schema", "version",
        "is_read", "is_gone", "is_disputed", "fence_term", "fence_token", "rollout", "timeline",
        "lost" } },
    { "rollouts",
      "place",
      { "place", "id", "name", "plan_hash", "state", "pause_cause", "is_rollback_by_operator",
        "is_irreversible_approved", "is_adopted", "reason", "actor", "created_at_ms" } },
    { "waves",
      "wave_index",
      { "rollout", "wave_index", "name", "state", "is_approved", "approved_by", "target_count",
        "soak_ms", "soak_left_ms", "opened_at_ms" } },
    { "targets", "place", { "place",        "rollout",      "address",     "system_identifier",
                            "database_oid", "schema",       "agent",       "instance",
                            "database",     "wave",         "state",       "goal",
                            "term",         "attempt",      "revision",    "token",
                            "is_charged",   "is_absent",    "is_excused",  "was_sent",
                            "has_start",    "start",        "version",     "timeline",
                            "applied",      "steps_done",   "steps_total", "step",
                            "report",       "code",         "sqlstate",    "message",
                            "hint",         "migration",    "statement",   "retries",
                            "duration_ms",  "changed_at_ms" } },
    { "events", "seq", { "seq", "rollout", "rule", "old_state", "code", "text" } },
    { "plans", "hash", { "hash", "bundle" } },
    { "plan_ages", "hash", { "hash", "kept_at_ms" } },
};

/* SQL of the values that a cell is given. */
static const char *const VALUES[] = {
    "0",
    "1",
    "-1",
    "2",
    "3",
    "99",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "''",
    "'x'",
    "'b'",
    "'db1'",
    "'db2/x'",
    "'db1/t0'",
    "'r-1'",
    "'r-2'",
    "'0001_a'",
    "'none'",
    "'ready'",
    "'running'",
    "'paused'",
    "'rolling_back'",
    "'rolled_back'",
    "'succeeded'",
    "'aborted'",
    "'found'",
    "'waiting'",
    "'passed'",
    "'soaking'",
    "'held'",
    "'pending'",
    "'assigned'",
    "'applying'",
    "'unknown'",
    "'verifying'",
    "'healthy'",
    "'failed'",
    "'skipped'",
    "'debt'",
    "'apply'",
    "'roll back'",
    "'hold'",
    "'budget'",
    "'active'",
    "'quarantined'",
    "'lost'",
    "'{}'",
    "'{'",
    "'{\"a\": 1}'",
    "'{\"a\": \"b\"}'",
    "CAST(X'ff80' AS TEXT)",
    "CAST(X'6100ff' AS TEXT)",
    "X''",
    "X'00'",
    "zeroblob(32)",
    "NULL",
};

/* What a statement may not do, the schema says: then it does nothing. */
static void run_sql(sqlite3 *db, const char *sql)
{
    (void)sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static size_t column_count(const StoreTable *table)
{
    size_t count = 0;
    while (count < ARRAY_LEN(table->columns) && table->columns[count] != NULL) {
        count++;
    }
    return count;
}

static void write_value(uint8_t byte, Str *sql)
{
    if (byte == UINT8_MAX) {
        str_append_char(sql, '\'');
        for (size_t i = 0; i < LONG_TEXT; i++) {
            str_append_char(sql, 'y');
        }
        str_append_char(sql, '\'');
    } else {
        str_append(sql, VALUES[byte % ARRAY_LEN(VALUES)]);
    }
}

/* Table, row, column, value: the cell is changed, or (7) its row goes. */
static void damage_row(sqlite3 *db, const uint8_t *damage)
{
    AUTO(Str) sql = { 0 };
    const StoreTable *table = &TABLES[damage[1] % ARRAY_LEN(TABLES)];
    if (damage[5] % 8 == 7) {
        str_printf(&sql, "DELETE FROM %s", table->name);
    } else {
        str_printf(&sql, "UPDATE %s SET %s = ", table->name,
                   table->columns[damage[3] % column_count(table)]);
        write_value(damage[4], &sql);
    }
    str_printf(&sql, " WHERE %s = (SELECT %s FROM %s LIMIT 1 OFFSET %u)", table->key, table->key,
               table->name, damage[2] % 8);
    run_sql(db, str_text(&sql));
}

/* Three bytes of where, four of what; or all that is behind it is missing. */
static void damage_bytes(Str *bytes, const uint8_t *damage)
{
    size_t at = ((size_t)damage[1] << 16 | (size_t)damage[2] << 8 | damage[3]) % bytes->length;
    if (damage[0] % 8 == 7) {
        bytes->length = at;
        return;
    }
    for (size_t i = 0; i < 4 && at + i < bytes->length; i++) {
        bytes->data[at + i] = (char)damage[4 + i];
    }
}

static bool is_of_bytes(const uint8_t *damage)
{
    return damage[0] % 8 >= 6;
}

static void damage_rows(const uint8_t *data, size_t count)
{
    sqlite3 *db = NULL;
    FUZZ_REQUIRE(sqlite3_open(path, &db) == SQLITE_OK);
    run_sql(db, "PRAGMA ignore_check_constraints = on; PRAGMA synchronous = off; BEGIN");
    for (size_t i = 0; i < count; i++) {
        if (!is_of_bytes(data + i * DAMAGE_BYTES)) {
            damage_row(db, data + i * DAMAGE_BYTES);
        }
    }
    run_sql(db, "COMMIT");
    sqlite3_close(db);
}

static void damage_file(const uint8_t *data, size_t count)
{
    AUTO(Str) bytes = { 0 };
    read_file(&bytes);
    for (size_t i = 0; i < count && bytes.length > 0; i++) {
        if (is_of_bytes(data + i * DAMAGE_BYTES)) {
            damage_bytes(&bytes, data + i * DAMAGE_BYTES);
        }
    }
    write_file(&bytes);
}

/* --- a start --- */

static void look(const Coordinator *coordinator)
{
    const Engine *engine = shell_engine(coordinator->shell);
    for (size_t i = 0; i < engine_rollout_count(engine); i++) {
        AUTO(Str) words = { 0 };
        TargetCounts counts;
        const char *id = engine_rollout_at(engine, i)->id;
        engine_explain(engine, id, shell_now_ms(coordinator->shell), &words);
        engine_count(engine, id, UINT32_MAX, &counts);
        FUZZ_REQUIRE(words.length > 0 && counts.total == engine_target_count(engine, id));
    }
}

static void command(Coordinator *coordinator, CommandVerb verb)
{
    Err err = { 0 };
    Event event = { .kind = EVENT_COMMAND,
                    .command = { .verb = verb,
                                 .rollout = "r-1",
                                 .wave = "",
                                 .is_all_failed = true,
                                 .actor = "operator ann",
                                 .reason = "" } };
    ErrCode code = shell_request(coordinator->shell, &event, NULL, &err);
    if (code != ERR_NONE) {
        check_error(&err, code);
    }
}

static void go_on(Coordinator *coordinator)
{
    shell_flush(coordinator->shell);
    coordinator_join(coordinator);
    look(coordinator);
    command(coordinator, COMMAND_RESUME);
    command(coordinator, COMMAND_RETRY);
    look(coordinator);
    command(coordinator, COMMAND_ROLL_BACK);
    look(coordinator);
}

static void start(void)
{
    AUTO(Coordinator) coordinator = { 0 };
    Store *store = NULL;
    Err err = { 0 };
    ErrCode code = store_sqlite_open(path, &store, &err);
    if (code != ERR_NONE) {
        check_error(&err, code);
        return;
    }
    code = coordinator_open(&coordinator, store, &err);
    if (code != ERR_NONE) {
        check_error(&err, code);
        return;
    }
    go_on(&coordinator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sample_plan();
    size_t count = size / DAMAGE_BYTES;
    count = count > DAMAGES_MAX ? DAMAGES_MAX : count;
    write_file(sound_file());
    damage_rows(data, count);
    damage_file(data, count);
    start();
    return 0;
}

bool fuzz_seed(size_t index, Str *out)
{
    uint8_t damage[DAMAGE_BYTES] = { 0 };
    if (index > 24) {
        return false;
    }
    damage[0] = index % 6 == 5 ? 6 : 0;
    damage[1] = (uint8_t)(index % ARRAY_LEN(TABLES));
    damage[2] = (uint8_t)(index % 5);
    damage[3] = (uint8_t)(index * 7);
    damage[4] = (uint8_t)(index * 11);
    damage[5] = (uint8_t)(index % 9);
    str_append_bytes(out, (const char *)damage, sizeof(damage));
    return true;
}
