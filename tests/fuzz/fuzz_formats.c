/*
 * Files of other tools' formats, read from a directory of one migration. The input's first byte
 * says which format; what follows a NUL is the file beside the migration, where there is one.
 *
 * What is refused names the file, mostly with a line that it has. What is accepted can be carried
 * by a plan, and each of its statements stands on a line of its file.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "cli/source/source.h"
#include "common/file.h"
#include "common/utf8.h"

typedef struct Layout {
    const char *format;
    const char *folder; /* of the migration; NULL: the directory itself */
    const char *file;
    const char *beside; /* NULL: nothing */
} Layout;

static const Layout LAYOUTS[] = {
    { "dbmate", NULL, "1_a.sql", NULL },
    { "goose", NULL, "1_a.sql", NULL },
    { "flyway", NULL, "V1__a.sql", "V1__a.sql.conf" },
    { "diesel", "1_a", "1_a/up.sql", "1_a/metadata.toml" },
    { "golang-migrate", NULL, "1_a.up.sql", "1_a.down.sql" },
    { "flyway", NULL, "flyway.conf", "V1__a.sql" },
    { "flyway", NULL, "flyway.toml", "V1__a.sql" },
    { "node-pg-migrate", NULL, "1_a.sql", NULL },
    { "graphile-migrate", "committed", "committed/1.sql", ".gmrc" },
    { "atlas", NULL, "1_a.sql", "atlas.sum" },
};

static char root[] = "/tmp/skein_fuzz_XXXXXX";

static const char *path_of(const Layout *layout, const char *name, Arena *arena)
{
    return arena_printf(arena, "%s/%zu%s%s", root, (size_t)(layout - LAYOUTS),
                        name == NULL ? "" : "/", name == NULL ? "" : name);
}

static void remove_all(void)
{
    AUTO(Arena) arena = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(LAYOUTS); i++) {
        const Layout *layout = &LAYOUTS[i];
        unlink(path_of(layout, layout->file, &arena));
        if (layout->beside != NULL) {
            unlink(path_of(layout, layout->beside, &arena));
        }
        if (layout->folder != NULL) {
            rmdir(path_of(layout, layout->folder, &arena));
        }
        rmdir(path_of(layout, NULL, &arena));
    }
    rmdir(root);
}

static void make_all(void)
{
    static bool is_made = false;
    if (is_made) {
        return;
    }
    AUTO(Arena) arena = { 0 };
    FUZZ_REQUIRE(mkdtemp(root) != NULL);
    atexit(remove_all);
    for (size_t i = 0; i < ARRAY_LEN(LAYOUTS); i++) {
        mkdir(path_of(&LAYOUTS[i], NULL, &arena), 0755);
        if (LAYOUTS[i].folder != NULL) {
            mkdir(path_of(&LAYOUTS[i], LAYOUTS[i].folder, &arena), 0755);
        }
    }
    is_made = true;
}

static void put(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "w");
    FUZZ_REQUIRE(file != NULL && fwrite(text, 1, length, file) == length);
    FUZZ_REQUIRE(fclose(file) == 0);
}

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 1;
    for (size_t i = 0; i < length; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

static void require_script(const PlanScript *script, size_t lines)
{
    for (size_t i = 0; i < script->count; i++) {
        const PlanStatement *statement = &script->statements[i];
        FUZZ_REQUIRE(statement->line >= 1 && statement->line <= lines);
        FUZZ_REQUIRE(utf8_is_valid(statement->sql, strlen(statement->sql)));
    }
}

static void require_plan(MigrationSet *set, size_t lines)
{
    Err err = { 0 };
    Plan plan = {
        .name = "fuzz",
        .to = set->migrations[set->count - 1].id,
        .where = "",
        .migrations = set->migrations,
        .migration_count = set->count,
    };
    AUTO(Arena) arena = { 0 };
    Bytes canonical = { 0 };
    plan_strategy_defaults(&plan.strategy);
    FUZZ_REQUIRE(set->count == 1);
    FUZZ_REQUIRE(plan_encode(&plan, &arena, &canonical, &err) == ERR_NONE);
    require_script(&set->migrations[0].up, lines);
    require_script(&set->migrations[0].down, lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    AUTO(Arena) arena = { 0 };
    const Layout *layout = &LAYOUTS[data[0] % ARRAY_LEN(LAYOUTS)];
    const char *text = (const char *)data + 1;
    const char *cut = memchr(text, '\0', size - 1);
    size_t length = cut == NULL ? size - 1 : (size_t)(cut - text);
    make_all();
    put(path_of(layout, layout->file, &arena), text, length);
    if (layout->beside != NULL && cut == NULL) {
        unlink(path_of(layout, layout->beside, &arena));
    } else if (layout->beside != NULL) {
        put(path_of(layout, layout->beside, &arena), cut + 1, size - 2 - length);
    }
    static const ConfigPair SET[] = { { "NAME", "value" }, { "empty", "" } };
    SourceOptions options = {
        .format = layout->format,
        .variables = { .items = SET, .count = ARRAY_LEN(SET) },
    };
    MigrationSet set = { 0 };
    Err err = { 0 };
    ErrCode code = source_read(path_of(layout, NULL, &arena), &options, &arena, &set, &err);
    if (code == ERR_NONE) {
        require_plan(&set, count_lines(text, size - 1));
        return 0;
    }
    check_error(&err, code);
    /* Settings may name other places, or other files. */
    bool is_elsewhere = code == ERR_NOT_FOUND || code == ERR_FORBIDDEN || code == ERR_IO;
    bool has_settings = strncmp(layout->file, "flyway.", strlen("flyway.")) == 0 ||
                        (layout->beside != NULL && strcmp(layout->beside, ".gmrc") == 0);
    FUZZ_REQUIRE(code == ERR_SYNTAX || (has_settings && is_elsewhere));
    FUZZ_REQUIRE(strstr(err.message, root) != NULL);
    return 0;
}

bool fuzz_seed(size_t index, Str *out)
{
    static const struct {
        char layout;
        const char *text;
        const char *beside;
    } SEEDS[] = {
        { 0, "-- licence\n-- migrate:up transaction:false\nVACUUM;\n-- migrate:down\nSELECT 1;\n",
          NULL },
        { 0, "\xEF\xBB\xBF--migrate:up x\r\nBEGIN;SELECT 1;COMMIT;SELECT 2\r\n", NULL },
        { 1,
          "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int AS $$\n"
          "-- +goose ENVSUB ON\nSELECT '${NAME:-a${empty}}';\n-- +goose ENVSUB OFF\n$$ LANGUAGE "
          "sql;\n-- +goose StatementEnd\n-- +goose Down\nDROP FUNCTION f();\n",
          NULL },
        { 1, "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\nVACUUM;\nSELECT 2; SELECT 3;",
          NULL },
        { 2, "-- ${name}\nSELECT '${NAME}${flyway:filename}';", "executeInTransaction=false\n" },
        { 2, "SELECT '${x}'", "placeholderReplacement = false\n# c\nshouldExecute=true" },
        { 3, "CREATE TABLE t ();", "run_in_transaction = false # why\n" },
        { 3, "COPY t FROM stdin;\n1\n\\.\nSELECT 1;", "" },
        { 5, "flyway.placeholders.x = 1\nflyway.locations=.,\\\n src\nflyway.table: t\n",
          "SELECT '${x}'" },
        { 6, "[flyway]\nlocations = [ # c\n 'a', \"b\"\n]\n[flyway.placeholders]\nx = 1 # c\n",
          "SELECT '${x}'" },
        { 7, "-- licence\n-- Up Migration\nSELECT 1;\n--\n - down migration\nSELECT 2", NULL },
        { 7, "\xEF\xBB\xBF---- DOWN\tmigrations\r\nSELECT 1\r\n-- up \n migration\r\nSELECT 2",
          NULL },
        { 8,
          "--! Previous: -\n--! Hash: x\n--! AllowInvalidHash\n\n--! no-transaction\nSELECT ':A',"
          " :NAME, x::TEXT",
          "{ placeholders: { ':A': '!ENV', ':NAME': \"x\", }, /* c */ pgSettings: {a: 1} }" },
        { 9, "-- atlas:sum ignore\n-- atlas:txmode none\n\nVACUUM;\nSELECT 1;",
          "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n" },
        { 9, "-- atlas:checkpoint\n-- atlas:txmode file\n\nSELECT 1", NULL },
        { 8, "--! Previous: -\r\n--! Hash: x\r\n--! AllowInvalidHash\r\n\r\nSELECT 1", "[]" },
        { 4, "-- skein: lock-timeout=1s\nSELECT :'NAME', :{?NAME};\n\\echo x\n", "SELECT 1" },
    };
    if (index >= ARRAY_LEN(SEEDS)) {
        return false;
    }
    str_append_char(out, SEEDS[index].layout);
    str_append(out, SEEDS[index].text);
    if (SEEDS[index].beside != NULL) {
        str_append_bytes(out, "", 1);
        str_append(out, SEEDS[index].beside);
    }
    return true;
}
