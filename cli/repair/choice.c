/*
 * What may be said about a finding, and what it comes to. Nobody may say what the catalog
 * contradicts: an index that is INVALID is not done, one that is there and valid is not absent.
 */
#include "cli/repair/finding.h"

#define BIT(choice) (1u << (choice))

static const char *const WORDS[] = {
    [CHOICE_NONE] = "",
    [CHOICE_ACCEPT] = "accept",
    [CHOICE_RENAME] = "rename",
    [CHOICE_FORGET] = "forget",
    [CHOICE_SETTLE] = "settle",
    [CHOICE_DONE] = "done",
    [CHOICE_AGAIN] = "again",
    [CHOICE_APPLIED] = "applied",
    [CHOICE_UNDONE] = "undone",
    [CHOICE_SAME_SCHEMA] = "same-schema",
    [CHOICE_NEW_SCHEMA] = "new-schema",
    [CHOICE_TELL] = "tell",
};
_Static_assert(ARRAY_LEN(WORDS) == CHOICE_COUNT_, "a word per choice");

static const uint32_t OF_KIND[FINDING_COUNT_] = {
    [FINDING_SCHEMA] = BIT(CHOICE_SAME_SCHEMA) | BIT(CHOICE_NEW_SCHEMA),
    [FINDING_CHANGED] = BIT(CHOICE_ACCEPT),
    [FINDING_RENAMED] = BIT(CHOICE_RENAME) | BIT(CHOICE_FORGET),
    [FINDING_MISSING] = BIT(CHOICE_FORGET),
    [FINDING_PARTS] = BIT(CHOICE_ACCEPT) | BIT(CHOICE_APPLIED) | BIT(CHOICE_UNDONE),
    [FINDING_HALF] = BIT(CHOICE_APPLIED) | BIT(CHOICE_UNDONE),
    [FINDING_TOOL_UNDONE] = BIT(CHOICE_TELL) | BIT(CHOICE_UNDONE),
    [FINDING_TOOL_BEHIND] = BIT(CHOICE_TELL) | BIT(CHOICE_UNDONE),
    [FINDING_TOOL_STALE] = BIT(CHOICE_TELL),
    [FINDING_TOOL_CHANGED] = BIT(CHOICE_TELL),
};

/* Of an interrupted statement, by what the catalog shows. */
static const struct TraceRow {
    bool has_settle; /* the catalog decides */
    bool has_word;   /* it does not: a person does */
    bool may_end;    /* that the whole migration is where it was going to does not contradict it */
    bool may_return; /* that it is where it came from does not */
} OF_TRACE[TRACE_COUNT_] = {
    [TRACE_DONE] = { .has_settle = true, .may_end = true },
    [TRACE_ABSENT] = { .has_settle = true, .may_return = true },
    [TRACE_CARCASS] = { .has_settle = true },
    [TRACE_PENDING] = { .has_settle = true },
    [TRACE_AGAIN] = { .has_settle = true, .has_word = true, .may_end = true, .may_return = true },
    [TRACE_BEFORE] = { .has_settle = true, .has_word = true, .may_end = true, .may_return = true },
    [TRACE_WRECK] = { .has_settle = true, .may_return = true },
    [TRACE_GONE] = { .has_settle = true, .may_return = true },
    [TRACE_FOREIGN] = { .has_word = true, .may_end = true, .may_return = true },
    [TRACE_UNKNOWN] = { .has_word = true, .may_end = true, .may_return = true },
};

const char *repair_choice_word(Choice choice)
{
    return (unsigned)choice < CHOICE_COUNT_ ? WORDS[choice] : "invalid";
}

bool repair_choice_is_of_target(Choice choice)
{
    return choice == CHOICE_SAME_SCHEMA || choice == CHOICE_NEW_SCHEMA || choice == CHOICE_TELL;
}

static bool is_down(const Finding *finding)
{
    return str_equal(finding->row->place.state, "undoing");
}

static const PlanScript *script_of(const Finding *finding)
{
    return is_down(finding) ? &finding->migration->down : &finding->migration->up;
}

static size_t part_count(const Finding *finding)
{
    return plan_part_count(script_of(finding));
}

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

/* With one part a word about the statement and one about the migration are the same. */
static uint32_t of_interrupted(const Finding *finding)
{
    const struct TraceRow *row = &OF_TRACE[finding->row->trace];
    bool has_parts = part_count(finding) > 1;
    bool says_whole = has_parts || row->has_word;
    uint32_t end = BIT(is_down(finding) ? CHOICE_UNDONE : CHOICE_APPLIED);
    uint32_t back = BIT(is_down(finding) ? CHOICE_APPLIED : CHOICE_UNDONE);
    return (row->has_settle ? BIT(CHOICE_SETTLE) : 0) |
           (row->has_word && has_parts ? BIT(CHOICE_DONE) | BIT(CHOICE_AGAIN) : 0) |
           (says_whole && row->may_end ? end : 0) | (says_whole && row->may_return ? back : 0);
}

bool repair_choice_fits(Choice choice, const Finding *finding)
{
    uint32_t choices =
        finding->kind == FINDING_INTERRUPTED ? of_interrupted(finding) : OF_KIND[finding->kind];
    bool has_too_few_parts = finding->kind == FINDING_PARTS && choice == CHOICE_ACCEPT &&
                             finding->row->place.parts_done >= part_count(finding);
    bool is_held = finding->row != NULL && finding->row->backend_pid != 0;
    bool is_to_nobody = choice == CHOICE_TELL && (is_empty(finding->tool) || finding->row == NULL);
    return (choices & BIT(choice)) != 0 && !has_too_few_parts && !is_held && !is_to_nobody;
}

/* ---- where the row goes ---- */

static Place end_of(const Finding *finding)
{
    uint32_t done = finding->row->place.parts_done + 1;
    if (done < part_count(finding)) {
        return (Place){ finding->row->place.state, done, false };
    }
    return (Place){ .state = is_down(finding) ? "undone" : "applied" };
}

static Place start_of(const Finding *finding)
{
    if (finding->row->place.parts_done > 0) {
        return (Place){ finding->row->place.state, finding->row->place.parts_done, false };
    }
    return (Place){ .state = is_down(finding) ? "applied" : "undone" };
}

/* What was broken off in the middle of going is brought to its end, not back. */
static bool is_end(Trace trace)
{
    return trace == TRACE_DONE || trace == TRACE_PENDING;
}

static Place place_after(Choice choice, const Finding *finding)
{
    switch (choice) {
    case CHOICE_SETTLE:
        return is_end(finding->row->trace) ? end_of(finding) : start_of(finding);
    case CHOICE_DONE:
        return end_of(finding);
    case CHOICE_AGAIN:
        return start_of(finding);
    case CHOICE_APPLIED:
        return (Place){ .state = "applied" };
    case CHOICE_UNDONE:
    case CHOICE_FORGET:
        return (Place){ .state = "undone" };
    default:
        return finding->row->place;
    }
}

static const char *hash_of(const PlanScript *script, uint32_t parts, Arena *arena)
{
    uint8_t hash[CHECKSUM_BYTES];
    char *text = arena_alloc(arena, 2 * CHECKSUM_BYTES + 1);
    plan_parts_hash(script, parts, hash);
    hex_encode(hash, sizeof(hash), text);
    return text;
}

/* The row is the file's from now on: where the choice says so, and where its up has come to an end.
 */
static bool takes_content(Choice choice, const Finding *finding, Place to)
{
    bool is_whole = finding->kind == FINDING_CHANGED || choice == CHOICE_RENAME;
    bool comes_up =
        str_equal(to.state, "applied") && !str_equal(finding->row->place.state, "undoing");
    return finding->migration != NULL && (is_whole || comes_up) && choice != CHOICE_FORGET;
}

static Telling telling_of_place(const char *state)
{
    if (str_equal(state, "applied")) {
        return TELLING_WRITE;
    }
    return str_equal(state, "undone") ? TELLING_REMOVE : TELLING_NONE;
}

Telling repair_choice_telling(Choice choice, const Finding *finding)
{
    switch (finding->kind) {
    case FINDING_CHANGED:
        return TELLING_REWRITE;
    case FINDING_RENAMED:
        return choice == CHOICE_RENAME ? TELLING_MOVE : TELLING_FORGET;
    case FINDING_MISSING:
        return TELLING_FORGET;
    case FINDING_INTERRUPTED:
    case FINDING_PARTS:
    case FINDING_HALF:
        return telling_of_place(place_after(choice, finding).state);
    case FINDING_TOOL_UNDONE:
    case FINDING_TOOL_BEHIND:
    case FINDING_TOOL_STALE:
        return choice == CHOICE_TELL ? TELLING_WRITE : TELLING_NONE;
    case FINDING_TOOL_CHANGED:
        return TELLING_REWRITE;
    default:
        return TELLING_NONE;
    }
}

RepairChange repair_choice_change(Choice choice, const Finding *finding, Arena *arena,
                                  const char **ret_mend)
{
    Place to = place_after(choice, finding);
    RepairChange change = { .row = finding->row, .to = to, .choice = repair_choice_word(choice) };
    bool is_between = to.parts_done > 0 && finding->migration != NULL;
    change.parts_hash = is_between ? hash_of(script_of(finding), to.parts_done, arena) : "";
    change.content = takes_content(choice, finding, to) ? finding->migration : NULL;
    Trace trace = finding->row->trace;
    bool is_left = choice == CHOICE_SETTLE && (trace == TRACE_CARCASS || trace == TRACE_PENDING);
    *ret_mend = is_left ? finding->row->mend : NULL;
    return change;
}

/* ---- in words ---- */

/* What follows from where the row stands then. */
static void place_write(Place to, const Finding *finding, Str *out)
{
    const char *way = is_down(finding) ? "down" : "up";
    if (str_equal(to.state, "applied")) {
        str_printf(out, "%s is applied then", finding->id);
    } else if (str_equal(to.state, "undone")) {
        str_printf(out, "%s is not applied then, and up runs it", finding->id);
    } else {
        str_printf(out, "%s goes on with part %u of %zu then", way, to.parts_done + 1,
                   part_count(finding));
    }
}

static void settle_write(const Finding *finding, Str *out)
{
    const RepairRow *row = finding->row;
    if (row->trace == TRACE_DONE) {
        str_append(out, "writes down that the statement is done; ");
    } else if (row->trace == TRACE_PENDING) {
        str_printf(out, "runs %s, and writes down that the statement is done; ", row->mend);
    } else if (row->trace == TRACE_CARCASS) {
        str_printf(out,
                   "drops index %s concurrently, and writes down that the statement is not done; ",
                   row->object);
    } else {
        str_append(out, "writes down that nothing is under way; ");
    }
    place_write(place_after(CHOICE_SETTLE, finding), finding, out);
}

/* Around the tool's name. */
static const struct {
    const char *before;
    const char *after;
} TOLD[] = {
    [TELLING_NONE] = { "", "" },
    [TELLING_WRITE] = { "", " gets it, too" },
    [TELLING_REMOVE] = { "", " has it no more, either" },
    [TELLING_REWRITE] = { "what ", " says of the file is made so, too" },
    [TELLING_MOVE] = { "so is its row in ", "" },
    [TELLING_FORGET] = { "its row in ", " goes, too" },
};
_Static_assert(ARRAY_LEN(TOLD) == TELLING_COUNT_, "a text per telling");

static void choice_write(Choice choice, const Finding *finding, Str *out)
{
    switch (choice) {
    case CHOICE_ACCEPT:
        str_append(out,
                   finding->kind == FINDING_PARTS
                       ? "takes the file's first parts for those that are done; runs nothing"
                       : "takes the file as it is now for what was applied; runs nothing, so what "
                         "the change should do is not done here");
        break;
    case CHOICE_RENAME:
        str_printf(out, "the row is that of %s from now on; runs nothing", finding->migration->id);
        break;
    case CHOICE_FORGET:
        str_append(out,
                   "the row counts no more; what the migration made stays, and nothing of skein "
                   "will take it back");
        break;
    case CHOICE_SETTLE:
        settle_write(finding, out);
        break;
    case CHOICE_DONE:
    case CHOICE_AGAIN:
        str_printf(out, "your word that %s of the statement is there; ",
                   choice == CHOICE_DONE ? "all" : "nothing");
        place_write(place_after(choice, finding), finding, out);
        break;
    case CHOICE_APPLIED:
        str_printf(out, "your word that all of %s is there; runs nothing", finding->id);
        break;
    case CHOICE_UNDONE:
        str_printf(out, "your word that nothing of %s is left; runs nothing", finding->id);
        break;
    case CHOICE_SAME_SCHEMA:
        str_append(out, "your word that the schema is as its history says (restored, for example)");
        break;
    case CHOICE_NEW_SCHEMA:
        str_append(out,
                   "your word that nothing of its history is in it: the rows are undone, and up "
                   "begins at the first migration");
        break;
    case CHOICE_TELL:
        str_append(out, finding->kind == FINDING_TOOL_CHANGED
                            ? "its row in the other tool's table says what the file is now; all "
                              "such at once, oldest first; runs nothing"
                            : "writes it into the other tool's table, as applying it would have; "
                              "all such at once, oldest first; runs nothing");
        break;
    case CHOICE_NONE:
    case CHOICE_COUNT_:
        break;
    }
}

void repair_choice_write(Choice choice, const Finding *finding, Str *out)
{
    Telling telling = repair_choice_telling(choice, finding);
    choice_write(choice, finding, out);
    if (finding->tool != NULL && choice != CHOICE_TELL && telling != TELLING_NONE) {
        str_printf(out, "; %s%s's table%s", TOLD[telling].before, finding->tool,
                   TOLD[telling].after);
    }
}
