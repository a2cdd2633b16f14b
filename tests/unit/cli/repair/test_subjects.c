/* cli/repair/subjects.c: which findings a choice is about, and what is to be typed instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/repair/subjects.h"

static uint8_t CHECKSUM[CHECKSUM_BYTES] = { 1 };

#define UNCHANGED "0100000000000000000000000000000000000000000000000000000000000000"

static PlanMigration file(const char *id, const char *version)
{
    return (PlanMigration){
        .id = id, .version = version, .name = id, .checksum = { CHECKSUM, CHECKSUM_BYTES }
    };
}

static RepairRow row(const char *id, const char *version, const char *checksum)
{
    return (RepairRow){ .id = id,
                        .version = version,
                        .place = { .state = "applied" },
                        .checksum = checksum,
                        .parts_hash = "",
                        .agent = "ann",
                        .started_at = "" };
}

typedef struct Asked {
    Choice choice;
    const char *id; /* NULL: none is named */
    const char *message;
    const char *hint; /* "": it has a subject */
} Asked;

/* The directory has 0001_a, 0002_b, 0002_c and 0003_d; applied are 0001_a, 0002_b, which is another
 * file now, and 0009_gone, which is none. The history is shared with dbmate. */
static const Asked ASKED[] = {
    { CHOICE_ACCEPT, "0002_b", "", "" },
    { CHOICE_FORGET, "0009_gone", "", "" },
    { CHOICE_UNDONE, "0001_b", "0001_b: neither the directory nor the history has such a migration",
      "did you mean `skein repair --undone 0001_a`?" },
    { CHOICE_FORGET, "9", "9 is the version of 0009_gone, and no migration's id",
      "did you mean `skein repair --forget 0009_gone`?" },
    { CHOICE_ACCEPT, "2", "2 is the version of several migrations, and no migration's id",
      "did you mean `skein repair --accept 0002_b` or `skein repair --accept 0002_c`?" },
    { CHOICE_ACCEPT, "things", "things: neither the directory nor the history has such a migration",
      "it fits another: `skein repair --accept 0002_b`" },
    { CHOICE_SETTLE, "things", "things: neither the directory nor the history has such a migration",
      "`skein repair` says what may be done, and how it is written" },
    { CHOICE_UNDONE, "0001_a", "0001_a: nothing is found that --undone could set right",
      "it is applied: `skein down --to empty` undoes it" },
    { CHOICE_APPLIED, "0003_d", "0003_d: nothing is found that --applied could set right",
      "it is not applied: `skein baseline 0003_d` says that it is there, and all below it" },
    { CHOICE_ACCEPT, "0001_a", "0001_a: nothing is found that --accept could set right",
      "it fits another: `skein repair --accept 0002_b`" },
    { CHOICE_UNDONE, "0009_gone",
      "0009_gone: --undone does not fit: it is applied here (, by ann), and no file of the "
      "directory is it: up refuses to go on. Bring the file back, if there is one",
      "what fits: `skein repair --forget 0009_gone`" },
    { CHOICE_TELL, NULL,
      "nothing is found that --tell could set right: it is not said which tool is to be told",
      "`skein repair --mirror dbmate --table ops.moves --tell`" },
    { CHOICE_SAME_SCHEMA, NULL, "nothing is found that --same-schema could set right",
      "`skein repair` says what may be done, and how it is written" },
};

static void a_refused_choice_says_what_to_type(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Findings) findings = { 0 };
    PlanMigration files[] = { file("0001_a", "0001"), file("0002_b", "0002"),
                              file("0002_c", "0002"), file("0003_d", "0003") };
    RepairRow rows[] = { row("0001_a", "0001", UNCHANGED), row("0002_b", "0002", "ff"),
                         row("0009_gone", "0009", "ee") };
    Plan plan = { .migrations = files, .migration_count = ARRAY_LEN(files) };
    RepairSight sight = { .has_tables = true, .rows = rows, .count = ARRAY_LEN(rows) };
    RepairTool told = { .name = "dbmate", .sharing = SHARING_TIED, .table = " --table ops.moves" };
    sight.holder = "";
    repair_findings_gather(&plan, &sight, &arena, &findings);
    RepairSeen seen = { &plan, &sight, &told, &findings };
    for (size_t i = 0; i < ARRAY_LEN(ASKED); i++) {
        Err err = { 0 };
        AUTO(Subjects) subjects = { 0 };
        const Asked *asked = &ASKED[i];
        ErrCode code = repair_subjects_find(&seen, asked->choice, &asked->id, asked->id != NULL,
                                            &subjects, &err);
        assert_string_equal(err.message, asked->message);
        assert_string_equal(err.hint, asked->hint);
        assert_int_equal(code, asked->hint[0] == '\0' ? ERR_NONE : ERR_REFUSED);
    }
}

static void what_is_named_twice_is_one_subject(void **state)
{
    (void)state;
    AUTO(Findings) findings = { 0 };
    AUTO(Subjects) subjects = { 0 };
    RepairRow gone = row("0009_gone", "0009", "ee");
    Plan plan = { 0 };
    RepairSight sight = { .rows = &gone, .count = 1, .holder = "" };
    RepairTool told = { 0 };
    AUTO(Arena) arena = { 0 };
    repair_findings_gather(&plan, &sight, &arena, &findings);
    RepairSeen seen = { &plan, &sight, &told, &findings };
    const char *ids[] = { "0009_gone", "0009_gone" };
    assert_int_equal(repair_subjects_find(&seen, CHOICE_FORGET, ids, 2, &subjects, NULL), ERR_NONE);
    assert_int_equal(subjects.list.count, 1);
}

typedef struct Counted {
    Choice choice;
    size_t ids;
    const char *hint; /* NULL: they belong together */
} Counted;

static const Counted COUNTED[] = {
    { CHOICE_NONE, 0, NULL },
    { CHOICE_FORGET, 2, NULL },
    { CHOICE_TELL, 0, NULL },
    { CHOICE_NONE, 1, "`skein repair` says what may be done, and how it is written" },
    { CHOICE_FORGET, 0, "`skein repair --forget ID`; `skein repair` names those that it fits" },
    { CHOICE_NEW_SCHEMA, 1, "`skein repair --new-schema`" },
    { CHOICE_TELL, 1,
      "`skein repair --mirror TOOL --tell`; what that tool has undone by itself is said before, "
      "with `skein repair --mirror TOOL --undone ID`" },
};

static void a_choice_and_ids_that_do_not_belong_together_are_refused(void **state)
{
    (void)state;
    static const char *const IDS[] = { "0001_a", "0002_b" };
    for (size_t i = 0; i < ARRAY_LEN(COUNTED); i++) {
        Err err = { 0 };
        const Counted *counted = &COUNTED[i];
        ErrCode code = repair_subjects_check(counted->choice, IDS, counted->ids, &err);
        assert_int_equal(code, counted->hint == NULL ? ERR_NONE : ERR_USAGE);
        assert_string_equal(err.hint, counted->hint == NULL ? "" : counted->hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_choice_says_what_to_type),
        cmocka_unit_test(what_is_named_twice_is_one_subject),
        cmocka_unit_test(a_choice_and_ids_that_do_not_belong_together_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
