/* See subjects.h. Hints hold whole commands: whoever prints them adds where this call went. */
#include "cli/repair/subjects.h"

#include <string.h>

#include "cli/repair/finding_internal.h"
#include "common/shell_word.h"
#include "common/str.h"

/* An operator's eye, not a list: who has more to set right asks for all of it. */
#define COMMANDS_MAX 3

#define SEE_REPAIR "`skein repair` says what may be done, and how it is written"

void repair_subjects_done(Subjects *subjects)
{
    LIST_DONE(&subjects->list);
}

/* ---- how many are named ---- */

/* What a choice about the whole target is about, and how it is written. */
static const struct TargetWords {
    const char *about;
    const char *command;
} OF_TARGET[CHOICE_COUNT_] = {
    [CHOICE_SAME_SCHEMA] = { "is about the whole schema", "`skein repair --same-schema`" },
    [CHOICE_NEW_SCHEMA] = { "is about the whole schema", "`skein repair --new-schema`" },
    [CHOICE_TELL] = { "tells the other tool's table all that it lacks, oldest first",
                      "`skein repair --mirror TOOL --tell`; what that tool has undone by itself is "
                      "said before, with `skein repair --mirror TOOL --undone ID`" },
};

ErrCode repair_subjects_check(Choice choice, const char *const *ids, size_t count, Err *err)
{
    const char *word = repair_choice_word(choice);
    if (choice == CHOICE_NONE && count > 0) {
        err_set(err, ERR_USAGE, "nothing is said of %s: is it applied, undone, …?", ids[0]);
        return err_hint(err, SEE_REPAIR);
    }
    if (choice == CHOICE_NONE || repair_choice_is_of_target(choice) == (count == 0)) {
        return ERR_NONE;
    }
    if (count == 0) {
        err_set(err, ERR_USAGE, "--%s wants to know of which migrations", word);
        return err_hint(err, "`skein repair --%s ID`; `skein repair` names those that it fits",
                        word);
    }
    err_set(err, ERR_USAGE, "--%s names no migration: it %s", word, OF_TARGET[choice].about);
    return err_hint(err, "%s", OF_TARGET[choice].command);
}

/* ---- ids ---- */

static const char *without_zeros(const char *version)
{
    const char *digits = version + strspn(version, "0");
    return digits[0] == '\0' ? version : digits;
}

static bool is_known(const RepairSeen *seen, const char *id)
{
    return plan_find(seen->plan, id) >= 0 || finding_row_of(seen->sight, id) != NULL;
}

static void id_push(const char *id, const char ***ids, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (str_equal((*ids)[i], id)) {
            return;
        }
    }
    (*ids)[(*count)++] = id;
}

static bool is_version(const char *version, const char *word)
{
    return str_equal(without_zeros(version), without_zeros(word));
}

/* Ids of the directory and of the history, each once: of that version, or all (NULL). */
static size_t ids_find(const RepairSeen *seen, const char *version, Arena *arena,
                       const char ***ret_ids)
{
    const Plan *plan = seen->plan;
    const RepairSight *sight = seen->sight;
    const char **ids = ARENA_ARRAY(arena, const char *, plan->migration_count + sight->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < plan->migration_count; i++) {
        if (version == NULL || is_version(plan->migrations[i].version, version)) {
            id_push(plan->migrations[i].id, &ids, &count);
        }
    }
    for (size_t i = 0; i < sight->count; i++) {
        if (version == NULL || is_version(sight->rows[i].version, version)) {
            id_push(sight->rows[i].id, &ids, &count);
        }
    }
    *ret_ids = ids;
    return count;
}

/* ---- what to type instead ---- */

typedef struct Typed {
    Choice choice;
    const char *id;
} Typed;

typedef LIST(Typed) TypedList;

/* Empties the list. */
static ErrCode hint_commands(const char *before, TypedList *list, const char *after, Err *err)
{
    AUTO(Str) text = { 0 };
    size_t shown = list->count > COMMANDS_MAX ? COMMANDS_MAX : list->count;
    for (size_t i = 0; i < shown; i++) {
        str_append(&text, i == 0 ? "" : i + 1 < list->count ? ", " : " or ");
        str_printf(&text, "`skein repair --%s ", repair_choice_word(list->items[i].choice));
        shell_word(list->items[i].id, &text);
        str_append_char(&text, '`');
    }
    str_append(&text, shown < list->count ? ", …" : "");
    bool is_any = shown > 0;
    LIST_DONE(list);
    return is_any ? err_hint(err, "%s%s%s", before, str_text(&text), after)
                  : err_hint(err, SEE_REPAIR);
}

static ErrCode hint_ids(Choice choice, const char *const *ids, size_t count, Err *err)
{
    TypedList list = { 0 };
    for (size_t i = 0; i < count; i++) {
        Typed typed = { choice, ids[i] };
        LIST_PUSH(&list, typed);
    }
    return hint_commands("did you mean ", &list, "?", err);
}

/* What it does fit, since an id is easily taken for another. */
static ErrCode hint_fitting(const RepairSeen *seen, Choice choice, Err *err)
{
    TypedList list = { 0 };
    LIST_EACH(finding, &seen->findings->list) {
        if (repair_choice_fits(choice, finding)) {
            Typed typed = { choice, finding->id };
            LIST_PUSH(&list, typed);
        }
    }
    return hint_commands("it fits another: ", &list, "", err);
}

static ErrCode hint_choices(const Finding *finding, Err *err)
{
    TypedList list = { 0 };
    for (Choice choice = CHOICE_NONE + 1; choice < CHOICE_COUNT_; choice++) {
        if (repair_choice_fits(choice, finding) && !repair_choice_is_of_target(choice)) {
            Typed typed = { choice, finding->id };
            LIST_PUSH(&list, typed);
        }
    }
    return hint_commands("what fits: ", &list, "", err);
}

/* Of a migration that is in order, a word would be a lie; what it may have been said for. */
static ErrCode hint_other_way(const RepairSeen *seen, Choice choice, const char *id, Err *err)
{
    long index = plan_find(seen->plan, id);
    const RepairRow *row = finding_row_of(seen->sight, id);
    bool is_applied = row != NULL && str_equal(row->place.state, "applied");
    if (choice == CHOICE_UNDONE && is_applied && index >= 0) {
        AUTO(Str) to = { 0 };
        shell_word(index == 0 ? "empty" : seen->plan->migrations[index - 1].id, &to);
        return err_hint(err, "it is applied: `skein down --to %s` undoes it", str_text(&to));
    }
    if (choice == CHOICE_APPLIED && row == NULL) {
        AUTO(Str) word = { 0 };
        shell_word(id, &word);
        return err_hint(err,
                        "it is not applied: `skein baseline %s` says that it is there, and "
                        "all below it",
                        str_text(&word));
    }
    return hint_fitting(seen, choice, err);
}

/* ---- refusing ---- */

static ErrCode refuse_unknown(const RepairSeen *seen, Choice choice, const char *id, Err *err)
{
    AUTO(Arena) arena = { 0 };
    const char **ids = NULL;
    size_t count = ids_find(seen, id, &arena, &ids);
    if (count > 0) {
        err_set(err, ERR_REFUSED, "%s is the version of %s, and no migration's id", id,
                count == 1 ? ids[0] : "several migrations");
        return hint_ids(choice, ids, count, err);
    }
    count = ids_find(seen, NULL, &arena, &ids);
    const char *nearest = str_nearest(id, ids, count);
    err_set(err, ERR_REFUSED, "%s: neither the directory nor the history has such a migration", id);
    return nearest != NULL ? hint_ids(choice, &nearest, 1, err) : hint_fitting(seen, choice, err);
}

static ErrCode refuse_named(const RepairSeen *seen, Choice choice, const char *id, Err *err)
{
    const Finding *finding = repair_findings_of(seen->findings, id);
    if (finding != NULL) {
        err_set(err, ERR_REFUSED, "%s: --%s does not fit: %s", id, repair_choice_word(choice),
                finding->text);
        return hint_choices(finding, err);
    }
    if (!is_known(seen, id)) {
        return refuse_unknown(seen, choice, id, err);
    }
    err_set(err, ERR_REFUSED, "%s: nothing is found that --%s could set right", id,
            repair_choice_word(choice));
    return hint_other_way(seen, choice, id, err);
}

/* Whom to tell is not said, and the history knows it, or nobody does. */
static ErrCode refuse_target(const RepairSeen *seen, Choice choice, Err *err)
{
    bool is_to_nobody = choice == CHOICE_TELL && plan_tool(seen->plan) == NULL;
    bool is_known = seen->told->sharing == SHARING_TIED;
    err_set(err, ERR_REFUSED, "nothing is found that --%s could set right%s",
            repair_choice_word(choice),
            is_to_nobody ? ": it is not said which tool is to be told" : "");
    return !is_to_nobody
               ? err_hint(err, SEE_REPAIR)
               : err_hint(err, "`skein repair --mirror %s%s --tell`",
                          is_known ? seen->told->name : "TOOL", is_known ? seen->told->table : "");
}

/* ---- finding ---- */

static void subject_push(Subjects *subjects, const Finding *finding)
{
    LIST_EACH(subject, &subjects->list) {
        if (*subject == finding) {
            return;
        }
    }
    LIST_PUSH(&subjects->list, finding);
}

/* A migration may have several: changed, say, and unknown to a tool. */
static const Finding *find_one(const RepairSeen *seen, Choice choice, const char *id)
{
    LIST_EACH(finding, &seen->findings->list) {
        if (str_equal(finding->id, id) && repair_choice_fits(choice, finding)) {
            return finding;
        }
    }
    return NULL;
}

static ErrCode find_of_target(const RepairSeen *seen, Choice choice, Subjects *subjects, Err *err)
{
    LIST_EACH(finding, &seen->findings->list) {
        if (repair_choice_fits(choice, finding)) {
            subject_push(subjects, finding);
        }
    }
    return subjects->list.count > 0 ? ERR_NONE : refuse_target(seen, choice, err);
}

ErrCode repair_subjects_find(const RepairSeen *seen, Choice choice, const char *const *ids,
                             size_t count, Subjects *subjects, Err *err)
{
    if (repair_choice_is_of_target(choice)) {
        return find_of_target(seen, choice, subjects, err);
    }
    for (size_t i = 0; i < count; i++) {
        const Finding *finding = find_one(seen, choice, ids[i]);
        if (finding == NULL) {
            return refuse_named(seen, choice, ids[i], err);
        }
        subject_push(subjects, finding);
    }
    return ERR_NONE;
}
