/* See alembic_ask.h. */
#include "cli/source/alembic_ask.h"

#include <stdlib.h>
#include <string.h>

#include "cli/source/child.h"
#include "cli/source/lines.h"

#define PROGRAM "alembic"
#define TIMEOUT_MS 300000
#define OUTPUT_MAX (256U * 1024 * 1024)

void alembic_answer_done(AlembicAnswer *answer)
{
    str_done(&answer->out);
    str_done(&answer->errors);
}

ErrCode alembic_ask(const SourceReading *reading, const char *word, const char *argument,
                    const char *option, AlembicAnswer *ret_answer, Err *err)
{
    const char *const words[] = { PROGRAM, "-c", ALEMBIC_INI, word, argument, option, NULL };
    ChildCommand command = {
        .words = words,
        .directory = reading->dir->real_path,
        .timeout_ms = TIMEOUT_MS,
        .output_max = OUTPUT_MAX,
    };
    ChildOutput output = { 0 };
    ErrCode code = child_run(&command, &output, err);
    if (code != ERR_NONE) {
        child_output_done(&output);
        return code != ERR_NOT_FOUND
                   ? code
                   : err_hint(err, "revisions are Python: install alembic, or activate the "
                                   "environment that has it");
    }
    *ret_answer = (AlembicAnswer){ output.out, output.errors, output.exit_code == 0 };
    return ERR_NONE;
}

/* ---- what it says of an error ---- */

static const char *last_words(Str *text, Arena *arena)
{
    while (text->length > 0) {
        const char *line = alembic_cut_line(text, arena);
        if (*line != '\0' && !str_starts_with(line, "(Background on this error")) {
            return line;
        }
    }
    return NULL;
}

/* An env.py may print what it has to say where the statements go, if it comes to none. */
const char *alembic_words(AlembicAnswer *answer, bool has_printed, Arena *arena)
{
    const char *words = last_words(&answer->errors, arena);
    if (words == NULL && !has_printed) {
        words = last_words(&answer->out, arena);
    }
    return words == NULL ? "it does not say why" : words;
}

/* "  File "/m/versions/ae10_x.py", line 23, in upgrade": the innermost of this file. 0: none. */
static unsigned long traced_line(const char *path, const Str *errors, Arena *arena)
{
    const char *mark = arena_printf(arena, "  File \"%s\", line ", path);
    unsigned long number = 0;
    Bytes bytes = { (const uint8_t *)str_text(errors), errors->length };
    for (TextLine line = { 0 }; text_next_line(bytes, &line);) {
        const char *text = arena_strndup(arena, line.start, line.length);
        number = str_starts_with(text, mark) ? strtoul(text + strlen(mark), NULL, 10) : number;
    }
    return number;
}

const char *alembic_file(const SourceReading *reading, const char *path)
{
    const char *root = reading->dir->real_path;
    bool is_below = str_starts_with(path, root) && path[strlen(root)] == '/';
    return is_below ? path + strlen(root) + 1 : ALEMBIC_INI;
}

const char *alembic_place(const SourceReading *reading, const char *path, const Str *errors)
{
    Arena *arena = reading->arena;
    const char *file = alembic_file(reading, path);
    bool is_elsewhere = path[0] != '\0' && str_equal(file, ALEMBIC_INI);
    const char *cited = is_elsewhere ? path : source_dir_cite(reading->dir, file, arena);
    unsigned long number = traced_line(path, errors, arena);
    return number == 0 ? cited : arena_printf(arena, "%s:%lu", cited, number);
}

/* ---- which revisions there are ---- */

/* A need may be a label, or the beginning of an id: Alembic knows whose. */
static const char *resolve(void *ctx, const char *need, Err *err)
{
    const SourceReading *reading = ctx;
    AUTO(AlembicAnswer) answer = { 0 };
    AlembicGraph found = { 0 };
    if (alembic_ask(reading, "show", need, NULL, &answer, err) != ERR_NONE) {
        return NULL;
    }
    alembic_graph_read(&answer.out, reading->arena, &found);
    if (!answer.is_whole || found.count != 1) {
        err_set(err, ERR_SYNTAX,
                "%s: alembic does not say which revision \"%s\" is, which another "
                "depends on",
                source_dir_cite(reading->dir, ALEMBIC_INI, reading->arena), need);
        return NULL;
    }
    return found.nodes[0].id;
}

ErrCode alembic_ask_graph(const SourceReading *reading, AlembicGraph *ret_graph, Err *err)
{
    AUTO(AlembicAnswer) answer = { 0 };
    AlembicGraph graph = { 0 };
    ErrCode code = alembic_ask(reading, "history", "--verbose", NULL, &answer, err);
    if (code != ERR_NONE) {
        return code;
    }
    alembic_graph_read(&answer.out, reading->arena, &graph);
    if (!answer.is_whole) {
        const char *words = alembic_words(&answer, graph.count > 0, reading->arena);
        err_set(err, ERR_SYNTAX, "%s: alembic cannot list the revisions: %s",
                source_dir_cite(reading->dir, ALEMBIC_INI, reading->arena), words);
        return err_hint(err, "see \"alembic history --verbose\" there");
    }
    if (graph.count > PLAN_MIGRATIONS_MAX) {
        return err_set(err, ERR_LIMIT, "%s: %zu revisions, and a history has at most %d",
                       reading->dir->path, graph.count, PLAN_MIGRATIONS_MAX);
    }
    code = alembic_graph_close(&graph, resolve, (void *)reading, reading->arena, err);
    if (code == ERR_NONE) {
        *ret_graph = graph;
    }
    return code;
}
