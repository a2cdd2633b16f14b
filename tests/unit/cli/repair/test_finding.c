/* cli/repair/finding.c, choice.c: what is found, and what may be said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/repair/finding.h"

static uint8_t CHECKSUMS[3][CHECKSUM_BYTES] = { { 1 }, { 2 }, { 3 } };

#define CHECKSUM_1 "0100000000000000000000000000000000000000000000000000000000000000"
#define CHECKSUM_2 "0200000000000000000000000000000000000000000000000000000000000000"
#define CHECKSUM_3 "0300000000000000000000000000000000000000000000000000000000000000"

static PlanStatement STATEMENTS[] = {
    { .sql = "ALTER TABLE t ADD c int",
      .kind = "ALTER TABLE",
      .line = 1,
      .object = "",
      .detail = "" },
    { .sql = "CREATE INDEX CONCURRENTLY i ON t (c)",
      .kind = "CREATE INDEX CONCURRENTLY",
      .line = 2,
      .probe = PROBE_INDEX_VALID,
      .object = "i",
      .detail = "t" },
};
static PlanPart PARTS[] = { { 1, true }, { 1, false } };

static PlanMigration migration(const char *id, size_t checksum, size_t parts)
{
    return (PlanMigration){
        .id = id,
        .version = id,
        .name = id,
        .checksum = { CHECKSUMS[checksum - 1], CHECKSUM_BYTES },
        .up = { .statements = parts == 1 ? STATEMENTS + 1 : STATEMENTS,
                .count = parts,
                .parts = parts == 1 ? NULL : PARTS,
                .part_count = parts == 1 ? 0 : parts },
        .down = { .is_transactional = true },
    };
}

static RepairRow row(const char *id, const char *state, const char *checksum)
{
    return (RepairRow){
        .seq = 1,
        .id = id,
        .version = id,
        .place = { .state = state },
        .checksum = checksum,
        .parts_hash = "",
        .rollout = "",
        .agent = "ann",
        .started_at = "",
        .adopted_from = "",
        .tie = { .tool = "dbmate" },
        .evidence = "",
        .found = "",
        .object = "",
        .mend = "",
    };
}

/* The options that fit, with blanks between. */
static const char *choices(const Finding *finding, Arena *arena)
{
    AUTO(Str) words = { 0 };
    for (Choice choice = CHOICE_NONE + 1; choice < CHOICE_COUNT_; choice++) {
        if (repair_choice_fits(choice, finding)) {
            str_printf(&words, "%s%s", words.length == 0 ? "" : " ", repair_choice_word(choice));
        }
    }
    return arena_strdup(arena, str_text(&words));
}

typedef struct Interrupted {
    Trace trace;
    size_t parts;
    const char *choices;
} Interrupted;

static const Interrupted INTERRUPTED[] = {
    { TRACE_RUNS, 1, "" },
    { TRACE_DONE, 1, "settle" },
    { TRACE_ABSENT, 1, "settle" },
    { TRACE_CARCASS, 1, "settle" },
    { TRACE_PENDING, 1, "settle" },
    { TRACE_AGAIN, 1, "settle applied undone" },
    { TRACE_BEFORE, 1, "settle applied undone" },
    { TRACE_WRECK, 1, "settle" },
    { TRACE_GONE, 1, "settle" },
    { TRACE_FOREIGN, 1, "applied undone" },
    { TRACE_UNKNOWN, 1, "applied undone" },
    { TRACE_DONE, 2, "settle applied" },
    { TRACE_ABSENT, 2, "settle undone" },
    { TRACE_CARCASS, 2, "settle" },
    { TRACE_UNKNOWN, 2, "done again applied undone" },
};

static void nothing_may_be_said_that_the_catalog_contradicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(INTERRUPTED); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Findings) findings = { 0 };
        PlanMigration of = migration("0001_a", 1, INTERRUPTED[i].parts);
        Plan plan = { .migrations = &of, .migration_count = 1 };
        RepairRow begun = row("0001_a", "started", CHECKSUM_1);
        begun.place.is_running = true;
        begun.place.parts_done = (uint32_t)INTERRUPTED[i].parts - 1;
        begun.trace = INTERRUPTED[i].trace;
        RepairSight sight = { .has_tables = true, .rows = &begun, .count = 1, .holder = "" };
        repair_findings_gather(&plan, &sight, &arena, &findings);
        assert_int_equal(findings.list.count, 1);
        const Finding *finding = repair_findings_of(&findings, "0001_a");
        assert_int_equal(finding->kind, FINDING_INTERRUPTED);
        assert_string_equal(choices(finding, &arena), INTERRUPTED[i].choices);
    }
}

typedef struct Settled {
    const char *state;
    Trace trace;
    uint32_t parts_done;
    const char *to;
    uint32_t to_parts;
} Settled;

static const Settled SETTLED[] = {
    { "started", TRACE_DONE, 1, "applied", 0 },    { "started", TRACE_ABSENT, 1, "started", 1 },
    { "started", TRACE_CARCASS, 1, "started", 1 }, { "started", TRACE_ABSENT, 0, "undone", 0 },
    { "started", TRACE_DONE, 0, "started", 1 },    { "started", TRACE_PENDING, 1, "applied", 0 },
    { "started", TRACE_WRECK, 1, "started", 1 },
};

static void settling_moves_the_row_by_one_part_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(SETTLED); i++) {
        AUTO(Arena) arena = { 0 };
        PlanMigration of = migration("0001_a", 1, 2);
        RepairRow begun = row("0001_a", SETTLED[i].state, CHECKSUM_1);
        begun.place.is_running = true;
        begun.place.parts_done = SETTLED[i].parts_done;
        begun.trace = SETTLED[i].trace;
        begun.mend = "DROP INDEX public.i";
        Finding finding = {
            .kind = FINDING_INTERRUPTED, .id = "0001_a", .row = &begun, .migration = &of, .text = ""
        };
        const char *mend = NULL;
        RepairChange change = repair_choice_change(CHOICE_SETTLE, &finding, &arena, &mend);
        bool is_left = SETTLED[i].trace == TRACE_CARCASS || SETTLED[i].trace == TRACE_PENDING;
        assert_string_equal(change.to.state, SETTLED[i].to);
        assert_int_equal(change.to.parts_done, SETTLED[i].to_parts);
        assert_false(change.to.is_running);
        assert_true(str_equal(mend, is_left ? "DROP INDEX public.i" : NULL));
        assert_int_equal(strlen(change.parts_hash), SETTLED[i].to_parts > 0 ? 64 : 0);
    }
}

typedef struct Seen {
    const char *id; /* of the row */
    const char *state;
    const char *checksum;
    const char *kind; /* of the finding; NULL: nothing is wrong */
    const char *choices;
} Seen;

/* The directory has 0001_a and 0003_c, whose contents are the first two checksums. */
static const Seen SEEN[] = {
    { "0001_a", "applied", CHECKSUM_1, NULL, "" },
    { "0001_a", "applied", CHECKSUM_2, "changed", "accept" },
    { "0002_b", "applied", CHECKSUM_2, "renamed", "rename forget" },
    { "0002_b", "applied", "ff", "missing", "forget" },
    { "0002_b", "started", CHECKSUM_2, "missing", "forget" },
    { "0001_a", "started", CHECKSUM_1, "half", "applied undone" },
};

static void each_row_is_one_finding_or_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(SEEN); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Findings) findings = { 0 };
        PlanMigration of[] = { migration("0001_a", 1, 2), migration("0003_c", 2, 2) };
        Plan plan = { .migrations = of, .migration_count = 2 };
        RepairRow seen = row(SEEN[i].id, SEEN[i].state, SEEN[i].checksum);
        RepairSight sight = { .has_tables = true, .rows = &seen, .count = 1, .holder = "" };
        repair_findings_gather(&plan, &sight, &arena, &findings);
        assert_int_equal(findings.list.count, SEEN[i].kind == NULL ? 0 : 1);
        const Finding *finding = repair_findings_of(&findings, SEEN[i].id);
        assert_true(
            str_equal(finding == NULL ? NULL : repair_finding_name(finding->kind), SEEN[i].kind));
        assert_string_equal(finding == NULL ? "" : choices(finding, &arena), SEEN[i].choices);
    }
}

/* What the rows say is about a schema that is gone: only the schema is to be judged. */
static void of_another_schema_no_row_is_judged(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Findings) findings = { 0 };
    PlanMigration of = migration("0001_a", 1, 1);
    Plan plan = { .migrations = &of, .migration_count = 1 };
    RepairRow seen = row("0002_b", "applied", "ff");
    RepairSight sight = { .has_tables = true,
                          .fence = FENCE_SIGHT_OTHER_SCHEMA,
                          .rows = &seen,
                          .count = 1,
                          .holder = "" };
    repair_findings_gather(&plan, &sight, &arena, &findings);
    assert_int_equal(findings.list.count, 1);
    assert_string_equal(choices(&findings.list.items[0], &arena), "same-schema new-schema");
}

/* A sign each of three migrations: what skein's history has ("t": the tool has had it, "r": a
 * repeatable), and what the tool; "f": failed, "c": as another file. A fourth of the tool is a
 * stranger: "s", failed, or by the first one's version. */
typedef struct Told {
    const char *skein;
    const char *tool;
    Sharing sharing;
    bool keeps_newest;
    const char *findings;
    const char *words; /* of the last */
} Told;

#define NOBODY SHARING_NONE
#define MIRROR SHARING_MIRRORED
#define TIED SHARING_TIED
#define FOUND SHARING_FOUND

static const Told TOLD[] = {
    { "110", "110", MIRROR, false, "", "" },
    { "100", "110", MIRROR, false, "2 tool-ahead ()", "`skein adopt --from dbmate` takes over" },
    { "100", "110", TIED, false, "2 tool-ahead ()", "`skein adopt --from dbmate` takes over" },
    { "000", "100", FOUND, false, "1 tool-ahead ()", "`skein adopt --from dbmate` takes over" },
    { "100", "110", NOBODY, false, "2 tool-ahead () note", "`skein adopt --from dbmate`" },
    { "110", "000", MIRROR, false, "1 tool-behind (undone tell), 2 tool-behind (undone tell)",
      "dbmate was never told, as where skein went on without --mirror" },
    { "110", "100", TIED, false, "2 tool-behind (undone) note",
      "`skein repair --mirror dbmate --tell` writes it there" },
    { "1t0", "100", MIRROR, false, "2 tool-undone (undone tell)",
      "dbmate, which had it, has it no more: dbmate has undone it by itself" },
    { "1t0", "100", TIED, false, "2 tool-undone (undone)",
      "`skein repair --mirror dbmate --tell` writes it there" },
    { "1t1", "000", TIED, true,
      "1 tool-behind (undone) note, 2 tool-undone (undone), 3 tool-behind (undone) note", "" },
    { "1t0", "100", NOBODY, false, "", "" },
    { "101", "111", MIRROR, false, "2 tool-ahead ()", "" },
    { "101", "111", MIRROR, true, "", "" },
    { "100", "111", MIRROR, true, "2 tool-ahead (), 3 tool-ahead ()", "" },
    { "100", "1f0", MIRROR, false, "2 tool-fault ()", "dbmate says of its own history: it has f" },
    { "110", "1f0", MIRROR, false, "2 tool-fault ()", "skein clears nothing there" },
    { "100", "1f0", TIED, false, "2 tool-fault ()", "" },
    { "000", "f00", FOUND, false, "1 tool-fault ()", "" },
    { "000", "000f", FOUND, false, " tool-fault () note", "" },
    { "100", "1f0", NOBODY, false, "2 tool-fault () note", "" },
    { "100", "100s", MIRROR, false, " tool-strange ()", "neither the directory nor" },
    { "100", "100s", TIED, false, " tool-strange () note", "" },
    { "100", "100s", NOBODY, false, " tool-strange () note", "" },
    { "100", "100v", MIRROR, false, "", "" },
    { "100", "100f", MIRROR, false, " tool-fault ()", "it has failed" },
    { "100", "1c0", MIRROR, false, "2 tool-ahead (), 2 tool-changed () note",
      "`skein adopt --from dbmate` refuses it; where both come to the same, with --changed" },
    { "110", "1c0", MIRROR, false, "2 tool-changed (tell) note",
      "dbmate has applied it as another file than it is now: 1, not 2" },
    { "110", "1c0", TIED, false, "2 tool-changed () note",
      "`skein repair --mirror dbmate --tell` writes it there" },
    { "10r", "100", MIRROR, false, "3 tool-behind (tell) note", "would run it again" },
    { "10r", "100", TIED, false, "3 tool-behind () note",
      "`skein repair --mirror dbmate --tell` writes it there" },
    { "00r", "000", NOBODY, false, "", "" },
    { "10r", "101", MIRROR, false, "", "" },
};

static const char *told_findings(const Told *told, Arena *arena, const char **ret_words)
{
    static const char *const HEX[] = { CHECKSUM_1, CHECKSUM_2, CHECKSUM_3 };
    AUTO(Findings) findings = { 0 };
    AUTO(Str) text = { 0 };
    PlanMigration of[] = { migration("1", 1, 2), migration("2", 2, 2), migration("3", 3, 2) };
    of[2].is_repeatable = told->skein[2] == 'r';
    PlanTool tool = { .tool = "dbmate", .keeps_newest = told->keeps_newest };
    Plan plan = { .migrations = of, .migration_count = 3 };
    plan.mirrored.tool = told->sharing == MIRROR ? "dbmate" : "";
    char sign = told->tool[3];
    ToolStranger stranger = { sign == 'v' ? "01" : "9", sign == 'f' ? "it has failed" : NULL };
    RepairTool says = { .name = "dbmate",
                        .tool = &tool,
                        .sharing = told->sharing,
                        .tie = { .tool = "dbmate" },
                        .table = "",
                        .sight = { .has = (bool[3]){ 0 },
                                   .faults = (const char *[3]){ 0 },
                                   .changes = (const char *[3]){ 0 },
                                   .strangers = &stranger,
                                   .stranger_count = sign == '\0' ? 0 : 1 } };
    RepairRow rows[3];
    RepairSight sight = { .has_tables = true, .rows = rows, .holder = "" };
    for (size_t i = 0; i < 3; i++) {
        says.sight.has[i] = told->tool[i] != '0';
        says.sight.faults[i] = told->tool[i] == 'f' ? "it has failed" : NULL;
        says.sight.changes[i] = told->tool[i] == 'c' ? "1, not 2" : NULL;
        if (told->skein[i] != '0') {
            rows[sight.count] = row(of[i].id, "applied", HEX[i]);
            rows[sight.count++].was_in_tool = told->skein[i] == 't';
        }
    }
    *ret_words = "";
    repair_findings_add_tool(&plan, &sight, &says, arena, &findings);
    LIST_EACH(finding, &findings.list) {
        str_printf(&text, "%s%s %s (%s)%s", text.length == 0 ? "" : ", ", finding->id,
                   repair_finding_name(finding->kind), choices(finding, arena),
                   finding->is_note ? " note" : "");
        *ret_words = finding->text;
    }
    return arena_strdup(arena, str_text(&text));
}

static void two_histories_that_do_not_agree_are_said_in_both_directions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(TOLD); i++) {
        AUTO(Arena) arena = { 0 };
        const char *words = NULL;
        assert_string_equal(told_findings(&TOLD[i], &arena, &words), TOLD[i].findings);
        assert_non_null(strstr(words, TOLD[i].words));
    }
}

/* What a mirrored table is told, of each that may be found and said: docs/repair.md. */
typedef struct TellingRow {
    FindingKind kind;
    Choice choice;
    const char *state;
    Telling telling;
} TellingRow;

static const TellingRow TELLINGS[] = {
    { FINDING_CHANGED, CHOICE_ACCEPT, "applied", TELLING_REWRITE },
    { FINDING_RENAMED, CHOICE_RENAME, "applied", TELLING_MOVE },
    { FINDING_RENAMED, CHOICE_FORGET, "applied", TELLING_FORGET },
    { FINDING_MISSING, CHOICE_FORGET, "applied", TELLING_FORGET },
    { FINDING_INTERRUPTED, CHOICE_SETTLE, "started", TELLING_REMOVE },
    { FINDING_INTERRUPTED, CHOICE_SETTLE, "undoing", TELLING_WRITE },
    { FINDING_INTERRUPTED, CHOICE_DONE, "started", TELLING_NONE },
    { FINDING_INTERRUPTED, CHOICE_AGAIN, "undoing", TELLING_WRITE },
    { FINDING_INTERRUPTED, CHOICE_APPLIED, "started", TELLING_WRITE },
    { FINDING_INTERRUPTED, CHOICE_UNDONE, "undoing", TELLING_REMOVE },
    { FINDING_PARTS, CHOICE_ACCEPT, "started", TELLING_NONE },
    { FINDING_PARTS, CHOICE_APPLIED, "started", TELLING_WRITE },
    { FINDING_PARTS, CHOICE_UNDONE, "started", TELLING_REMOVE },
    { FINDING_HALF, CHOICE_APPLIED, "undoing", TELLING_WRITE },
    { FINDING_HALF, CHOICE_UNDONE, "undoing", TELLING_REMOVE },
    { FINDING_TOOL_BEHIND, CHOICE_TELL, "applied", TELLING_WRITE },
    { FINDING_TOOL_BEHIND, CHOICE_UNDONE, "applied", TELLING_NONE },
    { FINDING_TOOL_STALE, CHOICE_TELL, "applied", TELLING_WRITE },
    { FINDING_TOOL_CHANGED, CHOICE_TELL, "applied", TELLING_REWRITE },
};

static void a_mirrored_table_is_told_of_the_row_that_is_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(TELLINGS); i++) {
        PlanMigration of = migration("1", 1, 2);
        RepairRow at = row("1", TELLINGS[i].state, CHECKSUM_1);
        at.trace = TRACE_ABSENT;
        Finding finding = {
            .kind = TELLINGS[i].kind, .id = "1", .row = &at, .migration = &of, .text = ""
        };
        assert_int_equal(repair_choice_telling(TELLINGS[i].choice, &finding), TELLINGS[i].telling);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_may_be_said_that_the_catalog_contradicts),
        cmocka_unit_test(settling_moves_the_row_by_one_part_or_not_at_all),
        cmocka_unit_test(each_row_is_one_finding_or_none),
        cmocka_unit_test(of_another_schema_no_row_is_judged),
        cmocka_unit_test(two_histories_that_do_not_agree_are_said_in_both_directions),
        cmocka_unit_test(a_mirrored_table_is_told_of_the_row_that_is_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
