/* The SQLite backend: the contract of every store, and what is a file's own: damage, disk,
 * versions. */
#include "contract.h"
#include "contract_audit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/file.h"
#include "coordinator/store/schema.h"

typedef struct Place {
    char directory[64];
    char path[96];
} Place;

int contract_setup(void **state)
{
    Place *place = mem_alloc(sizeof(*place));
    str_copy(place->directory, sizeof(place->directory), "/tmp/skein-store-XXXXXX");
    if (mkdtemp(place->directory) == NULL) {
        free(place);
        return -1;
    }
    text_format(place->path, sizeof(place->path), "%s/c.db", place->directory);
    *state = place;
    return 0;
}

int contract_teardown(void **state)
{
    static const char *const SUFFIXES[] = { "", "-wal", "-shm", "-journal", "-lock" };
    Place *place = *state;
    for (size_t i = 0; i < ARRAY_LEN(SUFFIXES); i++) {
        AUTO(Str) path = { 0 };
        str_printf(&path, "%s%s", place->path, SUFFIXES[i]);
        unlink(str_text(&path));
    }
    rmdir(place->directory);
    free(place);
    return 0;
}

static Store *contract_open(void **state)
{
    Place *place = *state;
    Store *store = NULL;
    Err err = { 0 };
    if (store_sqlite_open(place->path, &store, &err) != ERR_NONE) {
        fail_msg("open: %s", err.message);
    }
    return store;
}

/* Opens what cannot be opened, and wants these words in message and hint. */
static void must_not_open(const char *path, const char *words, const char *hint)
{
    Store *store = NULL;
    Err err = { 0 };
    assert_int_equal(store_sqlite_open(path, &store, &err), ERR_STORE);
    assert_null(store);
    if (strstr(err.message, path) == NULL || strstr(err.message, words) == NULL) {
        fail_msg("no '%s' of '%s' in: %s", words, path, err.message);
    }
    if (strstr(err.hint, hint) == NULL) {
        fail_msg("no '%s' in hint: %s", hint, err.hint);
    }
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* What SQLite says to it; "" when it is done. */
static const char *try_sql(const char *path, const char *sql, Arena *arena)
{
    sqlite3 *db = NULL;
    char *said = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_exec(db, sql, NULL, NULL, &said);
    const char *answer = arena_strdup(arena, said == NULL ? "" : said);
    sqlite3_free(said);
    sqlite3_close(db);
    return answer;
}

static size_t version_of(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    size_t version = (size_t)sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return version;
}

static void the_files_are_for_the_owner_alone(void **state)
{
    Place *place = *state;
    AUTO_PTR(Store) store = contract_open(state);
    static const char *const SUFFIXES[] = { "", "-wal", "-shm" };
    assert_non_null(store);
    for (size_t i = 0; i < ARRAY_LEN(SUFFIXES); i++) {
        AUTO(Str) path = { 0 };
        struct stat info;
        str_printf(&path, "%s%s", place->path, SUFFIXES[i]);
        assert_int_equal(stat(str_text(&path), &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
}

static void a_file_that_others_could_read_is_closed_to_them(void **state)
{
    Place *place = *state;
    struct stat info;
    store_close(contract_open(state));
    assert_int_equal(chmod(place->path, 0644), 0);
    store_close(contract_open(state));
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void a_file_of_another_program_is_refused(void **state)
{
    Place *place = *state;
    run_sql(place->path, "CREATE TABLE cats (name TEXT)");
    must_not_open(place->path, "another program", "store");
}

static void a_store_of_a_newer_version_is_refused(void **state)
{
    Place *place = *state;
    store_close(contract_open(state));
    run_sql(place->path, "PRAGMA user_version = 99");
    must_not_open(place->path, "version 99", "newer");
}

/* A file as step 1 alone made it, with an agent and an event in it. */
static void make_version_1(const char *path)
{
    AUTO(Str) sql = { 0 };
    str_printf(
        &sql,
        "BEGIN; %s PRAGMA application_id = %d; PRAGMA user_version = 1;"
        "UPDATE meta SET term = 7;"
        "INSERT INTO agents VALUES ('db1', 'lost', '0.9', '{}', 3, 5000, 'gone');"
        "INSERT INTO events VALUES (1, 5000, 'ann', '', '', '', 'db1', 'S1', 'none', 'active',"
        " 0, 'hello'); COMMIT",
        STORE_SCHEMA_STEPS[0], STORE_APPLICATION_ID);
    run_sql(path, str_text(&sql));
}

static void a_store_of_the_first_version_is_brought_to_the_present_one(void **state)
{
    Place *place = *state;
    AUTO(Arena) arena = { 0 };
    make_version_1(place->path);
    AUTO_PTR(Store) store = contract_open(state);
    StoreContents contents = contract_load(store, &arena);
    assert_int_equal(contents.agent_count, 1);
    assert_string_equal(contents.agents[0].name, "db1");
    assert_int_equal(contents.agents[0].term_claims, 0);
    uint64_t term = 0;
    assert_int_equal(store->ops->take_term(store, 0, &term, NULL), ERR_NONE);
    assert_int_equal(term, 8);
    assert_int_equal(version_of(place->path), STORE_SCHEMA_VERSION);
}

/* A step that fails leaves the file as it was: here the second column of that name. */
static void an_upgrade_that_fails_leaves_the_old_version(void **state)
{
    Place *place = *state;
    make_version_1(place->path);
    run_sql(place->path, "ALTER TABLE agents ADD COLUMN term_claims INTEGER NOT NULL DEFAULT 9");
    must_not_open(place->path, "schema version 2", "restore");
    assert_int_equal(version_of(place->path), 1);
}

/* Whoever means harm can drop the triggers; they stop mistakes. */
static void sqlite_itself_refuses_to_change_the_audit_log(void **state)
{
    Place *place = *state;
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    static const char *const CHANGES[] = {
        "UPDATE audit SET actor = 'operator eve'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE seq = 2",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 1",
        "REPLACE INTO audit SELECT * FROM audit WHERE seq = 2",
        "INSERT INTO audit SELECT 4, time_ms, actor, origin, action, rollout, plan, agent, reason,"
        " wave, targets, targets_total, detail, status, code, dropped, previous, hash FROM audit"
        " WHERE seq = 2",
    };
    contract_must_audit(store, "x");
    contract_must_audit(store, "y");
    for (size_t i = 0; i < ARRAY_LEN(CHANGES); i++) {
        const char *said = try_sql(place->path, CHANGES[i], &arena);
        if (strstr(said, "the audit log is only added to") == NULL) {
            fail_msg("%s: '%s'", CHANGES[i], said);
        }
    }
    assert_int_equal(contract_must_audit(store, "z").seq, 3);
}

static void no_store_at_all_is_refused_with_a_hint(void **state)
{
    Place *place = *state;
    Err err = { 0 };
    static const char TEXT[] = "this is a shopping list and no store, however long one looks at it";
    assert_int_equal(file_write_new(place->path, TEXT, sizeof(TEXT), 0600, &err), ERR_NONE);
    must_not_open(place->path, "not a database", "no skein store");
}

static void a_missing_directory_is_refused_with_a_hint(void **state)
{
    (void)state;
    must_not_open("/tmp/skein-no-such-directory/c.db", "No such file", "directory must exist");
}

static void a_damaged_page_is_found_at_opening(void **state)
{
    Place *place = *state;
    const Effect rows[] = CONTRACT_ROWS;
    Store *store = contract_open(state);
    contract_must_commit(store, rows, ARRAY_LEN(rows));
    store_close(store); /* the last handle moves everything into the file */
    FILE *file = fopen(place->path, "r+b");
    assert_non_null(file);
    for (long page = 1; page < 10; page++) {
        fseek(file, page * 4096, SEEK_SET);
        fwrite("\xff\xff\xff\xff\xff\xff\xff\xff", 1, 8, file);
    }
    fclose(file);
    must_not_open(place->path, "", "restore it from a backup");
}

static void a_word_of_nobody_is_an_error_with_table_and_column(void **state)
{
    Place *place = *state;
    AUTO(Arena) arena = { 0 };
    const Effect rows[] = CONTRACT_ROWS;
    AUTO_PTR(Store) store = contract_open(state);
    contract_must_commit(store, rows, ARRAY_LEN(rows));
    run_sql(place->path, "UPDATE waves SET state = 'surfing'");
    StoreContents contents;
    Err err = { 0 };
    assert_int_equal(store->ops->load(store, &arena, &contents, &err), ERR_STORE);
    assert_non_null(strstr(err.message, "table waves: no state is called 'surfing'"));
}

static void a_number_out_of_bounds_is_an_error_with_table_and_column(void **state)
{
    Place *place = *state;
    static const char *const NUMBERS[] = { "-1", "4294967296" };
    const Effect rows[] = CONTRACT_ROWS;
    AUTO_PTR(Store) store = contract_open(state);
    contract_must_commit(store, rows, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) sql = { 0 };
        StoreContents contents;
        Err err = { 0 };
        str_printf(&sql, "UPDATE targets SET attempt = %s", NUMBERS[i]);
        run_sql(place->path, str_text(&sql));
        assert_int_equal(store->ops->load(store, &arena, &contents, &err), ERR_STORE);
        assert_non_null(strstr(err.message, "table targets: attempt cannot be "));
        assert_non_null(strstr(err.message, NUMBERS[i]));
    }
}

static void a_lock_of_another_process_is_an_error_that_passes(void **state)
{
    Place *place = *state;
    AUTO_PTR(Store) store = contract_open(state);
    const Effect put = { .kind = EFFECT_PERSIST_AGENT, .agent = &CONTRACT_AGENT };
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(place->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    uint64_t last_seq = 0;
    Err err = { 0 };
    assert_int_equal(contract_commit(store, &put, 1, &last_seq, &err), ERR_STORE);
    assert_non_null(strstr(err.hint, "only one coordinator"));
    sqlite3_close(other);
    contract_must_commit(store, &put, 1);
}

/* A disk that takes no more: the process may not lengthen any file. */
static void a_full_disk_fails_the_batch_whole_and_the_same_batch_passes_later(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    const Effect rows[] = CONTRACT_ROWS;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit none = { .rlim_cur = 1, .rlim_max = before.rlim_max };
    uint64_t last_seq = 0;
    Err err = { 0 };
    for (int try = 0; try < 3; try++) {
        setrlimit(RLIMIT_FSIZE, &none);
        ErrCode code = contract_commit(store, rows, ARRAY_LEN(rows), &last_seq, &err);
        setrlimit(RLIMIT_FSIZE, &before);
        assert_int_equal(code, ERR_STORE);
        assert_non_null(strstr(err.hint, "goes on by itself"));
    }
    assert_int_equal(contract_load(store, &arena).rollout_count, 0);
    contract_must_commit(store, rows, ARRAY_LEN(rows));
    StoreContents contents = contract_load(store, &arena);
    contract_check_all(&contents);
}

/* Written on, it would be lost with the process. */
static void a_store_that_was_moved_away_takes_nothing_until_it_is_back(void **state)
{
    Place *place = *state;
    AUTO_PTR(Store) store = contract_open(state);
    AUTO(Str) away = { 0 };
    const Effect put = { .kind = EFFECT_PERSIST_AGENT, .agent = &CONTRACT_AGENT };
    uint64_t last_seq = 0;
    Err err = { 0 };
    contract_must_commit(store, &put, 1);
    str_printf(&away, "%s.old", place->path);
    assert_int_equal(rename(place->path, str_text(&away)), 0);
    assert_int_equal(contract_commit(store, &put, 1, &last_seq, &err), ERR_STORE);
    assert_non_null(strstr(err.message, "was deleted, moved or replaced"));
    assert_non_null(strstr(err.hint, "move that very file back"));
    assert_int_equal(file_write_new(place->path, "another one", 11, 0600, &err), ERR_NONE);
    assert_int_equal(contract_commit(store, &put, 1, &last_seq, &err), ERR_STORE);
    assert_int_equal(rename(str_text(&away), place->path), 0);
    contract_must_commit(store, &put, 1);
}

/* It is not lost with its name: closing writes it into the store. */
static void a_deleted_write_ahead_log_is_saved_by_closing(void **state)
{
    Place *place = *state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) log = { 0 };
    Store *store = contract_open(state);
    const Effect rows[] = CONTRACT_ROWS;
    uint64_t last_seq = 0;
    Err err = { 0 };
    contract_must_commit(store, rows, ARRAY_LEN(rows));
    str_printf(&log, "%s-wal", place->path);
    assert_int_equal(unlink(str_text(&log)), 0);
    assert_int_equal(contract_commit(store, rows, ARRAY_LEN(rows), &last_seq, &err), ERR_STORE);
    assert_non_null(strstr(err.message, "c.db-wal was deleted"));
    assert_non_null(strstr(err.hint, "SIGTERM"));
    store_close(store);
    store = contract_open(state);
    StoreContents contents = contract_load(store, &arena);
    contract_check_all(&contents);
    store_close(store);
}

static off_t log_bytes(const Place *place)
{
    AUTO(Str) path = { 0 };
    struct stat info;
    str_printf(&path, "%s-wal", place->path);
    assert_int_equal(stat(str_text(&path), &info), 0);
    return info.st_size;
}

/* What a large plan has made of the write-ahead log is given back with the next commits. */
static void a_large_plan_leaves_no_large_log(void **state)
{
    Place *place = *state;
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    const size_t length = 12 * 1024 * 1024;
    const PlanRow plan = { .hash = { 7 }, .bundle = { arena_alloc(&arena, length), length } };
    const Effect large = { .kind = EFFECT_PERSIST_PLAN, .plan = &plan };
    const Effect small = { .kind = EFFECT_PERSIST_AGENT, .agent = &CONTRACT_AGENT };
    contract_must_commit(store, &large, 1);
    assert_true(log_bytes(place) > (off_t)length);
    contract_must_commit(store, &small, 1);
    contract_must_commit(store, &small, 1);
    assert_true(log_bytes(place) <= 4 * 1024 * 1024);
}

/* Its mode is not ours to change: `store: /var/lib/skein` would have locked its owner out. */
static void a_directory_is_no_store_and_stays_as_it_is(void **state)
{
    Place *place = *state;
    struct stat before;
    struct stat after;
    assert_int_equal(mkdir(place->path, 0755), 0);
    assert_int_equal(stat(place->path, &before), 0);
    must_not_open(place->path, "is no file", "store");
    assert_int_equal(stat(place->path, &after), 0);
    assert_int_equal(after.st_mode, before.st_mode);
    rmdir(place->path);
}

static void what_the_system_said_is_told(void **state)
{
    Place *place = *state;
    AUTO(Str) log = { 0 };
    str_printf(&log, "%s-wal", place->path);
    assert_int_equal(mkdir(str_text(&log), 0755), 0);
    must_not_open(place->path, ": Is a directory)", "look at the disk");
    rmdir(str_text(&log));
}

/* As after `skein-coordinator --config copy.yaml`: the one that runs must not notice. */
static void a_store_in_use_is_refused_and_names_who_uses_it(void **state)
{
    Place *place = *state;
    AUTO(Str) words = { 0 };
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        Store *store = NULL;
        Err err = { 0 };
        bool is_open = store_sqlite_open(place->path, &store, &err) == ERR_NONE;
        ssize_t put = write(ready[1], "x", 1);
        pause();
        _exit(is_open && put == 1 ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    str_printf(&words, "another coordinator uses the store %s: process %d", place->path,
               (int)child);
    must_not_open(place->path, str_text(&words), "stop it first");
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    store_close(contract_open(state)); /* nobody has to take a lock of the dead away */
    close(ready[0]);
    close(ready[1]);
}

static void a_new_file_has_the_present_version(void **state)
{
    Place *place = *state;
    store_close(contract_open(state));
    assert_int_equal(version_of(place->path), STORE_SCHEMA_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TESTS,
        CONTRACT_AUDIT_TESTS,
        CONTRACT_TEST(sqlite_itself_refuses_to_change_the_audit_log),
        CONTRACT_TEST(the_files_are_for_the_owner_alone),
        CONTRACT_TEST(a_file_that_others_could_read_is_closed_to_them),
        CONTRACT_TEST(a_file_of_another_program_is_refused),
        CONTRACT_TEST(a_store_of_a_newer_version_is_refused),
        CONTRACT_TEST(a_store_of_the_first_version_is_brought_to_the_present_one),
        CONTRACT_TEST(an_upgrade_that_fails_leaves_the_old_version),
        CONTRACT_TEST(no_store_at_all_is_refused_with_a_hint),
        CONTRACT_TEST(a_missing_directory_is_refused_with_a_hint),
        CONTRACT_TEST(a_damaged_page_is_found_at_opening),
        CONTRACT_TEST(a_word_of_nobody_is_an_error_with_table_and_column),
        CONTRACT_TEST(a_number_out_of_bounds_is_an_error_with_table_and_column),
        CONTRACT_TEST(a_lock_of_another_process_is_an_error_that_passes),
        CONTRACT_TEST(a_full_disk_fails_the_batch_whole_and_the_same_batch_passes_later),
        CONTRACT_TEST(a_store_that_was_moved_away_takes_nothing_until_it_is_back),
        CONTRACT_TEST(a_deleted_write_ahead_log_is_saved_by_closing),
        CONTRACT_TEST(a_large_plan_leaves_no_large_log),
        CONTRACT_TEST(a_directory_is_no_store_and_stays_as_it_is),
        CONTRACT_TEST(what_the_system_said_is_told),
        CONTRACT_TEST(a_store_in_use_is_refused_and_names_who_uses_it),
        CONTRACT_TEST(a_new_file_has_the_present_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
