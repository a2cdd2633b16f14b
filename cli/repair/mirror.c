/* See mirror.h. Which of the tool's rows is meant is choice.c's to say, how it is written the
 * tool's (cli/adopt). */
#include "cli/repair/mirror.h"

#define STATEMENTS_MAX 3 /* of one change */

typedef struct Saying {
    const Mirror *mirror;
    const Plan *plan;
    const RepairSight *sight;
    const Finding *finding;
    Arena *arena;
    const char **statements;
    size_t count;
} Saying;

static void say(Saying *saying, const char *sql)
{
    if (sql != NULL) {
        saying->statements[saying->count++] = sql;
    }
}

static PlanMigration named_of(const RepairRow *row)
{
    return (PlanMigration){ .id = row->id, .version = row->version };
}

static bool is_applied(const RepairSight *sight, const char *id)
{
    for (size_t i = 0; i < sight->count; i++) {
        if (str_equal(sight->rows[i].id, id)) {
            return str_equal(sight->rows[i].place.state, "applied");
        }
    }
    return false;
}

/* What there is besides, in the directory's order. */
static const bool *standing_of(const Saying *saying)
{
    const MigrationSet *set = saying->mirror->set;
    bool *stands = ARENA_ARRAY(saying->arena, bool, set->count);
    for (size_t i = 0; i < set->count; i++) {
        stands[i] = is_applied(saying->sight, set->migrations[i].id);
    }
    return stands;
}

static void say_script(Saying *saying, const PlanScript *script)
{
    for (size_t i = 0; i < script->mirror_count; i++) {
        say(saying, script->mirror[i]);
    }
}

static void say_forget(Saying *saying)
{
    PlanMigration gone = named_of(saying->finding->row);
    say(saying, mirror_gone(saying->mirror, &gone, standing_of(saying), saying->arena));
}

static void say_rewrite(Saying *saying)
{
    PlanMigration old = named_of(saying->finding->row);
    long index = plan_find(saying->plan, saying->finding->migration->id);
    say(saying, mirror_rewrite(saying->mirror, (size_t)index, &old, saying->arena));
}

/* In its place where the place means something; then by whatever else the tool knows it by. */
static void say_move(Saying *saying)
{
    PlanMigration old = named_of(saying->finding->row);
    say_rewrite(saying);
    if (!mirror_is_same_row(saying->mirror, &old, saying->finding->migration)) {
        say_forget(saying);
    }
    if (!saying->finding->is_in_tool) {
        say_script(saying, &saying->finding->migration->up);
    }
}

void repair_mirror(const Mirror *mirror, const Plan *plan, const RepairSight *sight, Choice choice,
                   const Finding *finding, Arena *arena, RepairChange *change)
{
    Saying saying = { .mirror = mirror,
                      .plan = plan,
                      .sight = sight,
                      .finding = finding,
                      .arena = arena,
                      .statements = ARENA_ARRAY(arena, const char *, STATEMENTS_MAX) };
    Telling telling = repair_choice_telling(choice, finding);
    change->is_told = telling == TELLING_WRITE || telling == TELLING_MOVE;
    switch (telling) {
    case TELLING_WRITE:
        say_script(&saying, &finding->migration->up);
        break;
    case TELLING_REMOVE:
        say_script(&saying, &finding->migration->down);
        break;
    case TELLING_REWRITE:
        say_rewrite(&saying);
        break;
    case TELLING_MOVE:
        say_move(&saying);
        break;
    case TELLING_FORGET:
        say_forget(&saying);
        break;
    case TELLING_NONE:
    case TELLING_COUNT_:
        break;
    }
    change->mirror = saying.statements;
    change->mirror_count = saying.count;
}
