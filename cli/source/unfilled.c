/* See unfilled.h. */
#include "cli/source/unfilled.h"

#include <string.h>

#include "cli/source/version.h"
#include "common/str.h"

typedef struct Unfilled {
    const SqlText *text;
    const SqlStatements *statements;
    const StatementFacts *facts;
    const SourceVariables *variables;
    SourceNotes *notes;
} Unfilled;

static size_t start_of(const Unfilled *all, size_t statement)
{
    return all->text->tokens[all->statements->items[statement].first_token].start;
}

/* Where in the text the grammar refuses it. */
static size_t stumble_of(const Unfilled *all, size_t statement)
{
    return start_of(all, statement) + all->facts[statement].stumble;
}

/* ---- templates ---- */

static const struct Template {
    const char *open;
    const char *close;
    const char *language;
    const char *hint;
} TEMPLATES[] = {
#define RENDER                                                                                     \
    "fill the files in first, as it is done for the other tool, and give skein the directory that comes of it"
    { "{{", "}}", "Go, Jinja or Mustache", RENDER },
    { "{%", "%}", "Jinja, Django or Liquid", RENDER },
    { "<%", "%>", "ERB or EJS", RENDER },
    { "#{", "}", "Ruby or MyBatis", RENDER },
    { "$%", "%$", "the program that ran these files", RENDER },
    { "${", "}", "Flyway, or of a shell",
      "--format flyway fills it in by --set name=VALUE; for any other tool, fill the files in first, "
      "and give skein the directory that comes of it" },
#undef RENDER
};

/* No server reads it: the grammar has come to its first mark and no further. */
static ErrCode check_template(const Unfilled *all, size_t statement, Err *err)
{
    size_t at = stumble_of(all, statement);
    const char *mark = all->text->text + at;
    for (size_t i = 0; i < ARRAY_LEN(TEMPLATES); i++) {
        const struct Template *template = &TEMPLATES[i];
        const char *close =
            str_starts_with(mark, template->open) ? strstr(mark, template->close) : NULL;
        if (close == NULL) {
            continue;
        }
        const char *end = close + strlen(template->close);
        sql_refuse_at(all->text, at, err, "\"%.*s\" is of a template, in the language of %s",
                      sql_excerpt_of(mark, end), mark, template->language);
        return err_hint(err, "%s", template->hint);
    }
    return ERR_NONE;
}

static ErrCode check_templates(const Unfilled *all, Err *err)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < all->statements->count && code == ERR_NONE; i++) {
        code = all->facts[i].warning == NULL ? ERR_NONE : check_template(all, i, err);
    }
    return code;
}

/* ---- variables of psql ---- */

static bool is_number(const PsqlUnset *unset)
{
    return unset->name[version_digits(unset->name)] == '\0';
}

/*
 * ":name" can be the end of a slice. What stands above the place where the grammar stumbles it has
 * taken for one; behind that place it may be one within brackets; and a number in them is no name.
 */
static bool is_slice(const PsqlUnset *unset, size_t stumble)
{
    return unset->offset < stumble ||
           (unset->is_in_brackets && (is_number(unset) || unset->offset > stumble));
}

static ErrCode refuse_unset(const Unfilled *all, const PsqlUnset *unset, Err *err)
{
    static const SourceVariables NONE = { 0 };
    const char *from = sql_from_at(all->text, unset->offset);
    ErrCode code = variables_refuse_unset(all->variables == NULL ? &NONE : all->variables,
                                          sql_file_at(all->text, unset->offset),
                                          sql_line_at(all->text, unset->offset), unset->name, err);
    return from == NULL ? code : err_append(err, " (included from %s)", from);
}

static void tell_unset(const Unfilled *all, const PsqlUnset *unset)
{
    if (!is_number(unset)) {
        source_note_at(
            all->notes, SOURCE_NOTE_WARNING, all->text, unset->offset,
            "\":%s\" is sent as it stands, for the end of a slice: no variable \"%s\" is "
            "set",
            unset->name, unset->name);
    }
}

/* `before` is the one before it of the same statement, or NULL. */
static ErrCode check_unset(const Unfilled *all, size_t statement, const PsqlUnset *unset,
                           const PsqlUnset *before, Err *err)
{
    bool is_refused = all->facts[statement].warning != NULL;
    if (is_refused && !is_slice(unset, stumble_of(all, statement))) {
        return refuse_unset(all, unset, err);
    }
    /* "a[:name:5]": what the grammar took for the end of a slice was its beginning. */
    if (is_refused && unset->offset == stumble_of(all, statement) && before != NULL &&
        !is_number(before)) {
        return refuse_unset(all, before, err);
    }
    tell_unset(all, unset);
    return ERR_NONE;
}

ErrCode unfilled_check(const SqlText *text, const SqlStatements *statements,
                       const StatementFacts *facts, const PsqlUnset *unset, size_t unset_count,
                       const SourceVariables *variables, SourceNotes *notes, Err *err)
{
    Unfilled all = { text, statements, facts, variables, notes };
    size_t statement = 0;
    const PsqlUnset *before = NULL;
    ErrCode code = check_templates(&all, err);
    for (size_t i = 0; i < unset_count && statements->count > 0 && code == ERR_NONE; i++) {
        while (statement + 1 < statements->count &&
               start_of(&all, statement + 1) <= unset[i].offset) {
            statement++;
            before = NULL;
        }
        code = check_unset(&all, statement, &unset[i], before, err);
        before = &unset[i];
    }
    return code;
}
