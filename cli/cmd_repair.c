/*
 * skein repair: looks, explains, and makes the one change that was asked for, after looking again
 * behind the fence. What is wrong and what may be said stands in cli/repair/.
 */
#include "agent/exec/repair.h"
#include "cli/adopt/adopt.h"
#include "cli/commands.h"
#include "cli/move.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "cli/repair/mirror.h"
#include "cli/repair/subjects.h"
#include "cli/repair/tell.h"

#define PASTS_MAX 5

/* ---- what was asked ---- */

static const struct ChoiceOption {
    Choice choice;
    size_t offset; /* of its flag in Options */
} CHOICES[] = {
    { CHOICE_ACCEPT, offsetof(Options, is_accept) },
    { CHOICE_RENAME, offsetof(Options, is_rename) },
    { CHOICE_FORGET, offsetof(Options, is_forget) },
    { CHOICE_SETTLE, offsetof(Options, is_settle) },
    { CHOICE_DONE, offsetof(Options, is_done) },
    { CHOICE_AGAIN, offsetof(Options, is_again) },
    { CHOICE_APPLIED, offsetof(Options, is_applied) },
    { CHOICE_UNDONE, offsetof(Options, is_undone) },
    { CHOICE_SAME_SCHEMA, offsetof(Options, is_same_schema) },
    { CHOICE_NEW_SCHEMA, offsetof(Options, is_new_schema) },
    { CHOICE_TELL, offsetof(Options, is_tell) },
};

static ErrCode read_choice(const Invocation *invocation, Choice *ret_choice, Err *err)
{
    Choice found = CHOICE_NONE;
    for (size_t i = 0; i < ARRAY_LEN(CHOICES); i++) {
        bool is_set = *(const bool *)((const char *)&invocation->options + CHOICES[i].offset);
        if (is_set && found != CHOICE_NONE) {
            return err_set(err, ERR_USAGE, "--%s and --%s: one choice at a time",
                           repair_choice_word(found), repair_choice_word(CHOICES[i].choice));
        }
        found = is_set ? CHOICES[i].choice : found;
    }
    *ret_choice = found;
    return repair_subjects_check(found, invocation->arguments, invocation->argument_count, err);
}

/* ---- looking ---- */

typedef struct Repairing {
    Invocation *invocation;
    ConnSource *source;
    MigrationSet set;
    Plan plan;
    JobOrder order;
    Runner *runner;
    PlanTool tool;   /* the directory's own, or the one to be mirrored; .tool NULL: none is known */
    Mirror mirror;   /* .tool NULL: nothing is mirrored */
    RepairTool told; /* by the last look */
} Repairing;

static void repairing_done(Repairing *repairing)
{
    runner_free(repairing->runner);
    conn_source_free(repairing->source);
}

AUTO_DEFINE(Repairing, repairing_done)

static void begin_runner(Repairing *repairing)
{
    const Options *options = &repairing->invocation->options;
    const Plan *plan = &repairing->plan;
    repairing->order = local_order(options, repairing->source, plan, plan->to);
    RunnerConfig config = {
        .source = repairing->source,
        .schema = local_tenant(options),
        .agent = local_operator(&repairing->invocation->arena),
        .order = &repairing->order,
    };
    repairing->runner = runner_new(&config);
}

/* The one that is mirrored; else the question that `skein adopt` would ask. Where it cannot, there
 * is nothing to say. */
static void learn_tool(Repairing *repairing)
{
    Plan plan = local_plan(&repairing->set);
    const Options *options = &repairing->invocation->options;
    AdoptFrom from = { NULL, options->table, local_database(options) };
    if (plan_tool(&repairing->plan) != NULL) {
        repairing->tool = *plan_tool(&repairing->plan);
    } else if (adopt_plan(&repairing->set, &from, &repairing->invocation->arena, &plan, NULL) ==
               ERR_NONE) {
        repairing->tool = plan.adoption;
    }
}

static ErrCode learn_mirror(Repairing *repairing, Err *err)
{
    const Options *options = &repairing->invocation->options;
    AdoptFrom to = { options->mirror, options->table, local_database(options) };
    return plan_tool(&repairing->plan) == NULL
               ? ERR_NONE
               : mirror_find(&repairing->set, &to, &repairing->invocation->arena,
                             &repairing->mirror, err);
}

/* A history that is about another schema says nothing of this one. */
static ErrCode look_tool(Repairing *repairing, const RepairSight *sight, Findings *findings,
                         Err *err)
{
    Arena *arena = &repairing->invocation->arena;
    RepairTool *told = &repairing->told;
    *told = (RepairTool){ 0 };
    if (sight->fence == FENCE_SIGHT_OTHER_SCHEMA) {
        return ERR_NONE;
    }
    ErrCode code = repair_look_tool(repairing->runner, sight, &repairing->tool, arena, told, err);
    if (code == ERR_NONE && told->name != NULL) {
        repair_findings_add_tool(&repairing->plan, sight, told, arena, findings);
    }
    return code;
}

/* For errors, which are to say where. */
static ErrCode repairing_open(Repairing *repairing, Err *err)
{
    if (repair_open(repairing->runner, err) == ERR_NONE) {
        return ERR_NONE;
    }
    AUTO(Str) where = { 0 };
    conn_source_describe(repairing->source, NULL, &where);
    return err_wrap(err, "%s", str_text(&where));
}

static ErrCode begin(Invocation *invocation, Repairing *repairing, Err *err)
{
    repairing->invocation = invocation;
    ErrCode code = local_source(&invocation->options, &repairing->source, err);
    if (code == ERR_NONE) {
        code = local_migrations(&invocation->options, &invocation->arena, &repairing->set, err);
    }
    if (code == ERR_NONE) {
        code = move_plan(invocation, &repairing->set, &repairing->plan, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    code = learn_mirror(repairing, err);
    if (code != ERR_NONE) {
        return code;
    }
    learn_tool(repairing);
    begin_runner(repairing);
    return repairing_open(repairing, err);
}

static ErrCode look(Repairing *repairing, RepairSight *ret_sight, Findings *findings, Err *err)
{
    Arena *arena = &repairing->invocation->arena;
    ErrCode code = repair_look(repairing->runner, arena, ret_sight, err);
    if (code != ERR_NONE) {
        return code;
    }
    repair_findings_gather(&repairing->plan, ret_sight, arena, findings);
    return look_tool(repairing, ret_sight, findings, err);
}

/* ---- choosing ---- */

static ErrCode find_subjects(const Repairing *repairing, Choice choice, const RepairSight *sight,
                             const Findings *findings, Subjects *subjects, Err *err)
{
    const Invocation *invocation = repairing->invocation;
    RepairSeen seen = { &repairing->plan, sight, &repairing->told, findings };
    return repair_subjects_find(&seen, choice, invocation->arguments, invocation->argument_count,
                                subjects, err);
}

static ErrCode confirm(const Repairing *repairing, Choice choice, const RepairSight *sight,
                       const Findings *findings, Err *err)
{
    const Invocation *invocation = repairing->invocation;
    AUTO(Str) touched = { 0 };
    AUTO(Subjects) subjects = { 0 };
    ErrCode code = find_subjects(repairing, choice, sight, findings, &subjects, err);
    LIST_EACH(subject, &subjects.list) {
        const Finding *finding = *subject;
        AUTO(Str) effect = { 0 };
        printable_append(&touched, finding->id);
        repair_choice_write(choice, finding, &effect);
        str_append(&touched, finding->id[0] == '\0' ? "" : ": ");
        printable_append(&touched, str_text(&effect));
        str_append(&touched, "\n");
    }
    return code != ERR_NONE || invocation->options.is_yes
               ? code
               : output_confirm(&touched, "set it right so?", invocation, err);
}

/* ---- changing ---- */

static const char *reason_of(const Invocation *invocation)
{
    return invocation->options.reason == NULL ? "" : invocation->options.reason;
}

static ErrCode change_one(Repairing *repairing, Choice choice, const Finding *finding,
                          const RepairSight *sight, RepairedList *done, Err *err)
{
    Arena *arena = &repairing->invocation->arena;
    const char *mend = NULL;
    RepairChange change = repair_choice_change(choice, finding, arena, &mend);
    if (repairing->mirror.tool != NULL) {
        repair_mirror(&repairing->mirror, &repairing->plan, sight, choice, finding, arena, &change);
    }
    change.reason = reason_of(repairing->invocation);
    ErrCode code = mend == NULL ? ERR_NONE : repair_mend(repairing->runner, mend, err);
    if (code == ERR_NONE) {
        code = repair_write(repairing->runner, &change, err);
    }
    if (code == ERR_NONE) {
        Repaired repaired = { finding->id, choice, change.to, mend };
        LIST_PUSH(done, repaired);
    }
    return code;
}

/* Each is a transaction: what was made before one that fails stays. */
static ErrCode tell_part(const RepairedList *done, const Finding *failed, Err *err)
{
    if (done->count == 0) {
        return err->code;
    }
    const char *first = done->items[0].id;
    const char *last = done->items[done->count - 1].id;
    bool is_one = done->count == 1;
    return err_wrap(err, "%s%s%s%s set right before it; %s", first, is_one ? "" : " to ",
                    is_one ? "" : last, is_one ? " is" : " are", failed->id);
}

/* Behind the fence all is looked at anew: what was shown may have changed since. */
static ErrCode change_rows(Repairing *repairing, Choice choice, RepairedList *done, Err *err)
{
    RepairSight sight = { 0 };
    AUTO(Findings) findings = { 0 };
    ErrCode code = repair_take(repairing->runner, err);
    if (code == ERR_NONE) {
        code = look(repairing, &sight, &findings, err);
    }
    AUTO(Subjects) subjects = { 0 };
    if (code == ERR_NONE) {
        code = find_subjects(repairing, choice, &sight, &findings, &subjects, err);
    }
    for (size_t i = 0; i < subjects.list.count && code == ERR_NONE; i++) {
        code = change_one(repairing, choice, subjects.list.items[i], &sight, done, err);
        if (code != ERR_NONE) {
            tell_part(done, subjects.list.items[i], err);
        }
    }
    return code;
}

static ErrCode change_schema(Repairing *repairing, Choice choice, const RepairSight *sight,
                             RepairedList *done, Err *err)
{
    bool is_kept = choice == CHOICE_SAME_SCHEMA;
    ErrCode code = repair_schema(repairing->runner, sight, is_kept, repair_choice_word(choice),
                                 reason_of(repairing->invocation), err);
    if (code == ERR_NONE) {
        Repaired repaired = { .id = "",
                              .choice = choice,
                              .to = { .state = is_kept ? "applied" : "undone" } };
        LIST_PUSH(done, repaired);
    }
    return code;
}

static ErrCode repair(Repairing *repairing, Choice choice, RepairedList *done, Err *err)
{
    RepairSight sight = { 0 };
    AUTO(Findings) findings = { 0 };
    ErrCode code = look(repairing, &sight, &findings, err);
    if (code == ERR_NONE) {
        code = confirm(repairing, choice, &sight, &findings, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    bool is_of_schema = choice == CHOICE_SAME_SCHEMA || choice == CHOICE_NEW_SCHEMA;
    return is_of_schema ? change_schema(repairing, choice, &sight, done, err)
                        : change_rows(repairing, choice, done, err);
}

/* What a changed file was when it was applied: of the first few, since git is asked for each. */
static void look_back(const Repairing *repairing, Findings *findings)
{
    Invocation *invocation = repairing->invocation;
    SourceOptions source = local_source_options(&invocation->options);
    size_t looked = 0;
    LIST_EACH(finding, &findings->list) {
        if (finding->kind != FINDING_CHANGED || looked++ >= PASTS_MAX) {
            continue;
        }
        PastQuery query = {
            .directory = invocation->options.migrations,
            .options = &source,
            .set = &repairing->set,
            .migration = finding->migration,
            .checksum = finding->row->checksum,
        };
        finding->past =
            past_look(&query, finding->row->fingerprints, &invocation->arena, &finding->now);
    }
}

static ErrCode explain(Repairing *repairing, const RepairedList *done, ExitCode *ret_exit, Err *err)
{
    RepairSight sight = { 0 };
    AUTO(Findings) findings = { 0 };
    ErrCode code = look(repairing, &sight, &findings, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (done->count == 0) {
        look_back(repairing, &findings);
    }
    LIST_EACH(finding, &findings.list) {
        bool is_held = done->count == 0 && !finding->is_note;
        *ret_exit = is_held ? EXIT_CODE_PAUSED : *ret_exit;
    }
    repair_tell(repairing->invocation, &findings, done);
    return ERR_NONE;
}

ErrCode cmd_repair(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    AUTO(Repairing) repairing = { 0 };
    RepairedList done = { 0 };
    Choice choice = CHOICE_NONE;
    ErrCode code = read_choice(invocation, &choice, err);
    if (code == ERR_NONE) {
        code = begin(invocation, &repairing, err);
    }
    if (code == ERR_NONE && choice != CHOICE_NONE) {
        code = repair(&repairing, choice, &done, err);
    }
    if (code == ERR_NONE) {
        code = explain(&repairing, &done, ret_exit, err);
    }
    LIST_DONE(&done);
    return code;
}
