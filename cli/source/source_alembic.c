/*
 * Alembic: revisions in Python, so the team's own alembic says what they are. "alembic history
 * --verbose" lists them, from the files alone. "alembic upgrade heads --sql" prints all of them; it
 * ends at one that raises, as those do that ask a database something, and is asked again for what
 * lies beyond. Such a one keeps its id and its place: where it is applied nobody needs its SQL.
 * "alembic downgrade HEAD:base --sql" prints the ways back, likewise.
 *
 * What Alembic says about its own table is left out, here and in what is mirrored: it depends on
 * which revisions were there when it was printed. Parents are enough to say it anew.
 */
#include <string.h>

#include "cli/source/alembic.h"
#include "cli/source/alembic_ask.h"
#include "cli/source/alembic_text.h"
#include "cli/source/found.h"
#include "common/map.h"

/* A revision that is read: its place among them first, which is what Found.own points to. */
typedef struct Revision {
    AlembicRevision own;
    AlembicSection *up;   /* NULL: not printed */
    AlembicSection *down; /* NULL: no way back */
    const char *file;     /* as it is cited, with the line where it raised */
    Err refusal;          /* why its up is not known */
    FoundScripts scripts;
} Revision;

typedef struct Revisions {
    const SourceReading *reading;
    AlembicGraph graph;
    Revision *items; /* one per node */
    AlembicPrinted ups;
    AlembicPrinted downs;
    AlembicPercents percents;
} Revisions;

static void revisions_done(Revisions *revisions)
{
    alembic_printed_done(&revisions->ups);
    alembic_printed_done(&revisions->downs);
}

AUTO_DEFINE(Revisions, revisions_done)

static const char *cite_ini(const SourceReading *reading)
{
    return source_dir_cite(reading->dir, ALEMBIC_INI, reading->arena);
}

static Revision *revision_of(const Revisions *revisions, const char *id)
{
    long index = alembic_graph_find(&revisions->graph, id);
    return index < 0 ? NULL : &revisions->items[index];
}

/* ---- what cannot be printed ---- */

static void refuse_raised(const Revisions *revisions, size_t index, AlembicAnswer *answer)
{
    const AlembicNode *node = &revisions->graph.nodes[index];
    Revision *revision = &revisions->items[index];
    revision->file = alembic_place(revisions->reading, node->path, &answer->errors);
    err_set(&revision->refusal, ERR_SYNTAX, "%s: alembic cannot print %s as SQL: %s",
            revision->file, node->id, alembic_words(answer, true, revisions->reading->arena));
    err_hint(&revision->refusal,
             "where it is not applied yet, apply it with alembic (`alembic upgrade %s`), and "
             "`skein adopt` takes it over; or have it ask the database only where "
             "context.is_offline_mode() is false",
             node->id);
}

/* Alembic's --sql begins at one revision, so what joins two branches that are both interrupted
 * cannot be asked for. */
static void refuse_joined(const Revisions *revisions, size_t index)
{
    const AlembicNode *node = &revisions->graph.nodes[index];
    Revision *revision = &revisions->items[index];
    err_set(&revision->refusal, ERR_SYNTAX,
            "%s: alembic prints %s only together with revisions below it that it cannot print",
            revision->file, node->id);
    err_hint(&revision->refusal,
             "where it is not applied yet, apply it with alembic (`alembic upgrade %s`), and "
             "`skein adopt` takes it over",
             node->id);
}

static void refuse_parameters(const Revisions *revisions, size_t index)
{
    const AlembicNode *node = &revisions->graph.nodes[index];
    Revision *revision = &revisions->items[index];
    size_t length = 0;
    const char *at = alembic_find_parameter(&revision->up->text, &length);
    if (at != NULL) {
        err_set(&revision->refusal, ERR_SYNTAX,
                "%s: of %s alembic prints the parameter %.*s without its value", revision->file,
                node->id, (int)length, at);
        err_hint(&revision->refusal, "have env.py say literal_binds=True to context.configure() in "
                                     "offline mode");
    }
}

/* Not one of them: env.py, or the whole directory. */
static ErrCode refuse_all(const Revisions *revisions, AlembicAnswer *answer, Err *err)
{
    const SourceReading *reading = revisions->reading;
    err_set(err, ERR_SYNTAX, "%s: alembic cannot print the revisions as SQL: %s", cite_ini(reading),
            alembic_words(answer, false, reading->arena));
    return err_hint(err, "see \"alembic upgrade heads --sql\" there: env.py has to know of "
                         "offline mode, with a URL of PostgreSQL's; where a program of your "
                         "own wraps alembic, put one of that name first in PATH");
}

/* ---- ways up ---- */

static bool is_settled(const Revision *revision)
{
    return revision->up != NULL || revision->refusal.code != ERR_NONE;
}

/* Does going from `from` (-1: from nothing) to `to` pass one that cannot be printed? */
static bool is_open(const Revisions *revisions, long from, size_t to)
{
    const AlembicGraph *graph = &revisions->graph;
    for (size_t i = 0; i < graph->count; i++) {
        bool is_passed = alembic_graph_stands(graph, to, i) &&
                         (from < 0 || !alembic_graph_stands(graph, (size_t)from, i));
        if (is_passed && revisions->items[i].refusal.code != ERR_NONE) {
            return false;
        }
    }
    return true;
}

/* The highest that can be gone to over `over`, from `from`; -1: not even there. */
static long highest_over(const Revisions *revisions, long from, size_t over)
{
    for (size_t to = revisions->graph.count; to > over; to--) {
        if (alembic_graph_stands(&revisions->graph, to - 1, over) &&
            is_open(revisions, from, to - 1)) {
            return (long)(to - 1);
        }
    }
    return -1;
}

/* A range of Alembic's that prints this revision, and as many above it as may be; NULL: none. */
static const char *range_over(const Revisions *revisions, size_t index)
{
    const AlembicGraph *graph = &revisions->graph;
    const AlembicNode *node = &graph->nodes[index];
    Arena *arena = revisions->reading->arena;
    const char *range = NULL;
    long highest = -1;
    for (size_t i = 0; i < node->parent_count || i == 0; i++) {
        long from = node->parent_count == 0 ? -1 : alembic_graph_find(graph, node->parents[i]);
        long to = highest_over(revisions, from, index);
        if (to > highest) {
            highest = to;
            range = arena_printf(arena, "%s:%s", from < 0 ? "base" : graph->nodes[from].id,
                                 graph->nodes[to].id);
        }
    }
    return range;
}

/* Takes what is new of one answer; the last section of one that failed is where it did. */
static void take_ups(Revisions *revisions, AlembicAnswer *answer)
{
    size_t first = revisions->ups.sections.count;
    alembic_printed_read(&answer->out, revisions->reading->arena, &revisions->ups);
    size_t count = revisions->ups.sections.count;
    for (size_t i = first; i < count; i++) {
        AlembicSection *section = revisions->ups.sections.items[i];
        Revision *revision = revision_of(revisions, section->id);
        bool is_broken = !answer->is_whole && i + 1 == count;
        if (revision == NULL || is_settled(revision)) {
            continue;
        }
        size_t index = (size_t)(revision - revisions->items);
        if (is_broken) {
            refuse_raised(revisions, index, answer);
        } else {
            revision->up = section;
            alembic_note_percents(&section->text, &revisions->percents);
            refuse_parameters(revisions, index);
        }
    }
}

static ErrCode print_ups(Revisions *revisions, const char *range, Err *err)
{
    AUTO(AlembicAnswer) answer = { 0 };
    size_t before = revisions->ups.sections.count;
    ErrCode code = alembic_ask(revisions->reading, "upgrade", range, "--sql", &answer, err);
    if (code != ERR_NONE) {
        return code;
    }
    take_ups(revisions, &answer);
    bool is_nothing = revisions->ups.sections.count == before;
    return is_nothing && !answer.is_whole ? refuse_all(revisions, &answer, err) : ERR_NONE;
}

/* All at once; then, around each that raises, what lies beyond it. */
static ErrCode print_all_ups(Revisions *revisions, Err *err)
{
    ErrCode code = print_ups(revisions, "heads", err);
    for (size_t i = 0; i < revisions->graph.count && code == ERR_NONE; i++) {
        if (is_settled(&revisions->items[i])) {
            continue;
        }
        const char *range = range_over(revisions, i);
        code = range == NULL ? ERR_NONE : print_ups(revisions, range, err);
        if (code == ERR_NONE && !is_settled(&revisions->items[i])) {
            refuse_joined(revisions, i);
        }
    }
    return code;
}

/* ---- ways back ---- */

typedef LIST(const char *) Starts;

/* Revisions without a downgrade(): Alembic looks for all of them first, and prints none. */
static void note_no_way(const SourceReading *reading, const char *start, const char *words)
{
    source_note(reading->notes, SOURCE_NOTE_WARNING, cite_ini(reading), 0,
                "alembic prints no way back from %s (%s): it and what it stands on cannot be "
                "undone",
                start, words);
}

static void take_downs(Revisions *revisions, const AlembicAnswer *answer, size_t first,
                       Starts *starts)
{
    size_t count = revisions->downs.sections.count;
    for (size_t i = first; i < count; i++) {
        AlembicSection *section = revisions->downs.sections.items[i];
        Revision *revision = revision_of(revisions, section->id);
        bool is_broken = !answer->is_whole && i + 1 == count;
        for (size_t j = 0; is_broken && j < section->parent_count; j++) {
            LIST_PUSH(starts, section->parents[j]);
        }
        if (revision != NULL && revision->down == NULL && !is_broken) {
            revision->down = section;
            alembic_note_percents(&section->text, &revisions->percents);
        }
    }
}

static ErrCode print_downs(Revisions *revisions, const char *start, Starts *starts, Err *err)
{
    AUTO(AlembicAnswer) answer = { 0 };
    const SourceReading *reading = revisions->reading;
    size_t before = revisions->downs.sections.count;
    ErrCode code = alembic_ask(reading, "downgrade", arena_printf(reading->arena, "%s:base", start),
                               "--sql", &answer, err);
    if (code != ERR_NONE) {
        return code;
    }
    alembic_printed_read(&answer.out, reading->arena, &revisions->downs);
    take_downs(revisions, &answer, before, starts);
    if (!answer.is_whole && revisions->downs.sections.count == before) {
        note_no_way(reading, start, alembic_words(&answer, false, reading->arena));
    }
    return ERR_NONE;
}

static bool is_head(const AlembicGraph *graph, size_t index)
{
    for (size_t i = index + 1; i < graph->count; i++) {
        if (alembic_graph_stands(graph, i, index)) {
            return false;
        }
    }
    return true;
}

/* From every head, and again from below each that cannot be undone; each start once. */
static ErrCode print_all_downs(Revisions *revisions, Err *err)
{
    AUTO_PTR(Map) begun = map_new();
    Starts starts = { 0 };
    for (size_t i = 0; i < revisions->graph.count; i++) {
        if (is_head(&revisions->graph, i)) {
            LIST_PUSH(&starts, revisions->graph.nodes[i].id);
        }
    }
    ErrCode code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && i < starts.count; i++) {
        const char *start = starts.items[i];
        if (map_put(begun, start, revisions) == NULL) {
            code = print_downs(revisions, start, &starts, err);
        }
    }
    LIST_DONE(&starts);
    return code;
}

/* ---- the revisions ---- */

/* The texts outlive the reading: they are the scripts' bytes. */
static void fill_input(const Revisions *revisions, AlembicSection *section, const char *word,
                       ScriptInput *input)
{
    Arena *arena = revisions->reading->arena;
    bool is_doubled = revisions->percents.is_double && !revisions->percents.is_single;
    alembic_section_finish(section, is_doubled, arena);
    *input = (ScriptInput){
        .file = arena_printf(arena, "%s: %s %s", cite_ini(revisions->reading), word, section->id),
        .bytes = { arena_memdup(arena, str_text(&section->text), section->text.length),
                   section->text.length },
        .rule = { .transaction = TRANSACTION_EACH },
    };
}

static void keep_unread(const Err *why, Arena *arena, PlanMigration *migration)
{
    static const uint8_t NONE[CHECKSUM_BYTES] = { 0 };
    char words[PLAN_UNREAD_MAX];
    text_format(words, sizeof(words), "%s", why->message);
    migration->unread = arena_strdup(arena, words);
    text_format(words, sizeof(words), "%s", why->hint);
    migration->unread_hint = arena_strdup(arena, words);
    migration->checksum = (Bytes){ arena_memdup(arena, NONE, sizeof(NONE)), sizeof(NONE) };
    migration->fingerprints = (Bytes){ 0 };
    migration->up = (PlanScript){ .is_transactional = true };
}

/* What Alembic or skein refuses is kept as unread, and has a way back all the same if it can be
 * read. */
static ErrCode read_unread(const SourceReading *reading, const Revision *revision,
                           PlanMigration *migration, const Err *why, Err *err)
{
    FoundScripts scripts = revision->scripts;
    scripts.up.bytes = (Bytes){ (const uint8_t *)"", 0 };
    ErrCode code = found_read_scripts(reading, &scripts, migration, err);
    if (code == ERR_NONE) {
        source_note(reading->notes, SOURCE_NOTE_WARNING, why->message, 0,
                    "it can be found applied and adopted, and is never run");
        keep_unread(why, reading->arena, migration);
    }
    return code;
}

static ErrCode read_revision(const SourceReading *reading, const Found *found,
                             PlanMigration *migration, Err *err)
{
    const Revision *revision = found->own;
    Err why = revision->refusal;
    if (why.code == ERR_NONE &&
        found_read_scripts(reading, &revision->scripts, migration, &why) == ERR_NONE) {
        return ERR_NONE;
    }
    if (reading->options->goes_on || why.code != ERR_SYNTAX) {
        *err = why;
        return why.code;
    }
    return read_unread(reading, revision, migration, &why, err);
}

static void take_revision(Revisions *revisions, size_t index, const AlembicRevision **all,
                          FoundList *list)
{
    const AlembicNode *node = &revisions->graph.nodes[index];
    Revision *revision = &revisions->items[index];
    revision->own = (AlembicRevision){ node->id, node->parents, node->parent_count, all,
                                       revisions->graph.count };
    revision->scripts.down_wanted = "downgrade() that can be printed";
    revision->scripts.up.file = revision->file;
    if (revision->up != NULL) {
        fill_input(revisions, revision->up, "upgrade", &revision->scripts.up);
    }
    if (revision->down != NULL) {
        fill_input(revisions, revision->down, "downgrade", &revision->scripts.down);
    }
    all[index] = &revision->own;
    Found found = {
        .id = node->id,
        .version = node->id,
        .name = node->id,
        .up = alembic_file(revisions->reading, node->path),
        .own = revision,
    };
    LIST_PUSH(list, found);
}

/* In a single line each revision has but the one before it for a parent. */
static bool has_branches(const AlembicGraph *graph)
{
    for (size_t i = 1; i < graph->count; i++) {
        const AlembicNode *node = &graph->nodes[i];
        if (node->parent_count != 1 || !str_equal(node->parents[0], graph->nodes[i - 1].id)) {
            return true;
        }
    }
    return false;
}

/* Alembic's own table, as env.py has it (version_table, version_table_schema). */
static const char *own_table(const Revisions *revisions)
{
    const char *table = NULL;
    for (size_t i = 0; i < revisions->graph.count && table == NULL; i++) {
        const AlembicSection *up = revisions->items[i].up;
        table = up == NULL ? NULL : up->table;
    }
    return table;
}

/*
 * Where alembic.ini says revision_environment, listing them runs env.py, which wants a database.
 * What is printed whole says it, too, but for files and for what revisions need.
 */
static ErrCode graph_of_print(Revisions *revisions, Err *err)
{
    const SourceReading *reading = revisions->reading;
    AUTO(AlembicAnswer) answer = { 0 };
    AUTO(AlembicPrinted) printed = { 0 };
    Err own = { 0 };
    ErrCode code = alembic_ask(reading, "upgrade", "heads", "--sql", &answer, &own);
    if (code != ERR_NONE || !answer.is_whole) {
        return err->code;
    }
    alembic_printed_read(&answer.out, reading->arena, &printed);
    *err = (Err){ 0 };
    revisions->graph = alembic_printed_graph(&printed, reading->arena);
    return alembic_graph_close(&revisions->graph, NULL, NULL, reading->arena, err);
}

static ErrCode read_graph(Revisions *revisions, Err *err)
{
    ErrCode code = alembic_ask_graph(revisions->reading, &revisions->graph, err);
    return code == ERR_SYNTAX ? graph_of_print(revisions, err) : code;
}

static ErrCode print_revisions(Revisions *revisions, Err *err)
{
    const SourceReading *reading = revisions->reading;
    ErrCode code = read_graph(revisions, err);
    if (code != ERR_NONE) {
        return code;
    }
    revisions->items = ARENA_ARRAY(reading->arena, Revision, revisions->graph.count);
    for (size_t i = 0; i < revisions->graph.count; i++) {
        const Str none = { 0 };
        revisions->items[i].file = alembic_place(reading, revisions->graph.nodes[i].path, &none);
    }
    code = print_all_ups(revisions, err);
    return code == ERR_NONE ? print_all_downs(revisions, err) : code;
}

static ErrCode read_revisions(const SourceReading *reading, MigrationSet *ret_set, Err *err)
{
    AUTO(Revisions)
    revisions = { .reading = reading, .downs = { .is_down = true } };
    ErrCode code = print_revisions(&revisions, err);
    if (code != ERR_NONE) {
        return code;
    }
    AUTO(FoundList) list = { 0 };
    size_t count = revisions.graph.count;
    const AlembicRevision **all = ARENA_ARRAY(reading->arena, const AlembicRevision *, count);
    for (size_t i = 0; i < count; i++) {
        take_revision(&revisions, i, all, &list);
    }
    ret_set->own_table = own_table(&revisions);
    ret_set->has_branches = has_branches(&revisions.graph);
    return found_read(reading, &list, NULL, read_revision, ret_set, err);
}

static size_t claim_ini(const SourceReading *reading)
{
    return source_dir_has(reading->dir, ALEMBIC_INI);
}

/* "alembic revision" writes a new one: it is Python. */
const SourceFormat source_alembic = {
    .name = "alembic",
    .layout = "a revision that alembic prints, beside " ALEMBIC_INI,
    .claim = claim_ini,
    .read = read_revisions,
};
