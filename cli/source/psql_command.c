/* The backslash commands of psql that a migration may hold. */
#include <string.h>

#include "cli/source/psql_internal.h"

#define INCLUDE_DEPTH_MAX 16
#define NAME_MAX_ 63

/* A command while its line is read. */
typedef struct Command {
    Composer *composer;
    PsqlFile *file;
    const char *at;  /* behind its name */
    const char *end; /* of the line */
} Command;

/* ---- arguments ---- */

static bool skip_blanks(Command *command)
{
    while (command->at < command->end && sql_is_blank(*command->at)) {
        command->at++;
    }
    return command->at < command->end;
}

static void take_quoted(Command *command, Str *out)
{
    command->at++;
    while (command->at < command->end) {
        char c = *command->at++;
        bool has_next = command->at < command->end;
        if (c == '\'' && !(has_next && *command->at == '\'')) {
            return;
        }
        if (c == '\'') {
            command->at++;
        } else if (c == '\\' && has_next) {
            char escaped = *command->at++;
            c = escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
        }
        str_append_char(out, c);
    }
}

/* ":name", ":'name'", ":"name"" or ":{?name}" at `at`; 0: none of them. */
static size_t variable_length(const Command *command, size_t *ret_before, size_t *ret_after)
{
    const char *at = command->at + 1;
    char kind = at < command->end ? *at : '\0';
    bool is_question = kind == '{' && at + 1 < command->end && at[1] == '?';
    bool is_quoted = kind == '\'' || kind == '"';
    *ret_before = is_question ? 3 : is_quoted ? 2 : 1;
    *ret_after = is_question || is_quoted ? 1 : 0;
    const char *name = command->at + *ret_before;
    size_t length = 0;
    while (name + length < command->end && psql_is_variable_char(name[length])) {
        length++;
    }
    bool is_closed = *ret_after == 0 ||
                     (name + length < command->end && name[length] == (is_question ? '}' : kind));
    return length > 0 && is_closed ? *ret_before + length + *ret_after : 0;
}

static void take_colon(Command *command, Str *out)
{
    size_t before = 0;
    size_t after = 0;
    const char *from = command->at;
    size_t length = variable_length(command, &before, &after);
    command->at += length == 0 ? 1 : length;
    const char *name = length == 0 ? ""
                                   : arena_strndup(command->composer->arena, from + before,
                                                   length - before - after);
    const char *value = psql_variable(command->composer, name);
    if (length > 0 && before == 3) {
        str_append(out, value == NULL ? "FALSE" : "TRUE");
    } else if (length == 0 || value == NULL) {
        str_append_bytes(out, from, (size_t)(command->at - from));
    } else if (before == 2) {
        psql_quote(out, value, from[1]);
    } else {
        str_append(out, value);
    }
}

/* One argument, in which variables are replaced and '…' taken apart. False: there is none. */
static bool take_argument(Command *command, Str *out)
{
    if (!skip_blanks(command)) {
        return false;
    }
    while (command->at < command->end && !sql_is_blank(*command->at)) {
        if (*command->at == '\'') {
            take_quoted(command, out);
        } else if (*command->at == ':') {
            take_colon(command, out);
        } else {
            str_append_char(out, *command->at++);
        }
    }
    return true;
}

/* ---- the commands ---- */

static ErrCode take_nothing(Command *command, Err *err)
{
    (void)command;
    (void)err;
    return ERR_NONE;
}

static ErrCode refuse_value(const Command *command, const char *name, const char *value,
                            const char *hint, Err *err)
{
    psql_refuse(command->file, err, "\\set %s %s: skein does not work like that", name, value);
    return err_hint(err, "%s", hint);
}

/* Variables that change what psql does with every statement that follows. */
static const struct {
    const char *name;
    const char *harmless[3];
    const char *hint;
} SPECIAL[] = {
    { "AUTOCOMMIT", { "on", "1", "true" }, "write BEGIN and COMMIT where a transaction is wanted" },
    { "ON_ERROR_STOP", { "on", "1", "true" }, "it stops at the first error" },
    { "ON_ERROR_ROLLBACK", { "off", "0", "false" }, "it stops at the first error" },
    { "SINGLELINE", { "off", "0", "false" }, "end each statement with \";\"" },
};

static ErrCode check_special(const Command *command, const char *name, const char *value, Err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(SPECIAL); i++) {
        if (!str_equal(SPECIAL[i].name, name)) {
            continue;
        }
        for (size_t j = 0; j < ARRAY_LEN(SPECIAL[i].harmless); j++) {
            if (str_equal(SPECIAL[i].harmless[j], value)) {
                return ERR_NONE;
            }
        }
        return refuse_value(command, name, value, SPECIAL[i].hint, err);
    }
    return ERR_NONE;
}

static void set_variable(Composer *composer, const char *name, const char *value)
{
    ConfigPair pair = { arena_strdup(composer->arena, name), arena_strdup(composer->arena, value) };
    LIST_PUSH(&composer->set, pair);
}

/* \set NAME `command`: what the shell would say is asked of whoever plans. */
static ErrCode take_shell(const Command *command, const char *name, Err *err)
{
    const SourceVariables *variables = command->composer->input->variables;
    if (variables != NULL && variables_find(variables, name) != NULL) {
        return ERR_NONE;
    }
    psql_refuse(command->file, err, "\\set %s by a command of the shell, which skein runs none of",
                name);
    return err_hint(err, "give it a value: --set %s=VALUE, or under `set:` in the rollout file",
                    name);
}

/* \set NAME VALUE…: the values one after another, without the blanks between them. */
static ErrCode take_set(Command *command, Err *err)
{
    AUTO(Str) name = { 0 };
    AUTO(Str) value = { 0 };
    if (!take_argument(command, &name)) {
        return ERR_NONE;
    }
    if (memchr(command->at, '`', (size_t)(command->end - command->at)) != NULL) {
        return take_shell(command, str_text(&name), err);
    }
    while (take_argument(command, &value)) {
    }
    ErrCode code = check_special(command, str_text(&name), str_text(&value), err);
    if (code == ERR_NONE) {
        set_variable(command->composer, str_text(&name), str_text(&value));
    }
    return code;
}

static ErrCode take_unset(Command *command, Err *err)
{
    (void)err;
    AUTO(Str) name = { 0 };
    if (take_argument(command, &name)) {
        set_variable(command->composer, str_text(&name), NULL);
    }
    return ERR_NONE;
}

/* The path below the directory: \ir counts from the file that it stands in. */
static const char *resolve(const Command *command, const char *name, bool is_relative)
{
    const char *path = command->file->path;
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    if (!is_relative || slash == NULL) {
        return arena_strdup(command->composer->arena, name);
    }
    return arena_printf(command->composer->arena, "%.*s/%s", (int)(slash - path), path, name);
}

static ErrCode check_include(const Command *command, const char *name, Err *err)
{
    const Composer *composer = command->composer;
    if (name[0] == '\0') {
        psql_refuse(command->file, err, "\\i without a file");
        return err_hint(err, "\\i FILE");
    }
    if (composer->input->dir == NULL || name[0] == '/') {
        psql_refuse(command->file, err, "\\i of %s, which is outside of the directory", name);
        return err_hint(err, "put the file into the directory of migrations");
    }
    if (composer->watch.has_begun) {
        return psql_refuse(command->file, err, "\\i in the middle of a statement");
    }
    if (composer->depth == INCLUDE_DEPTH_MAX) {
        PsqlFile file = *command->file;
        file.from = NULL; /* as long as that is deep */
        return psql_refuse(&file, err, "files that include each other, %d deep", INCLUDE_DEPTH_MAX);
    }
    return ERR_NONE;
}

/* Where a file ends, psql sends what is left of a statement. */
static void end_included(Composer *composer)
{
    if (composer->watch.has_begun) {
        str_append(&composer->out, "\n;");
        composer->watch = (StatementWatch){ 0 };
    }
}

/* The whole way down to the file of the migration. */
static const char *included_from(const Command *command)
{
    const PsqlFile *file = command->file;
    return arena_printf(command->composer->arena, "%s:%u%s%s", file->file, file->line,
                        file->from == NULL ? "" : ", from ", file->from == NULL ? "" : file->from);
}

/* The error says what is the matter with the file; where it was asked for is said here. */
static ErrCode refuse_included(const Command *command, Err *err)
{
    const PsqlFile *file = command->file;
    ErrCode code = err_wrap(err, "%s:%u", file->file, file->line);
    if (file->from != NULL) {
        err_append(err, " (included from %s)", file->from);
    }
    return err == NULL || err->hint[0] != '\0' || code != ERR_IO
               ? code
               : err_hint(err,
                          "\\i is relative to the directory of the migrations, \\ir to the file "
                          "that it stands in");
}

static ErrCode include(Command *command, bool is_relative, Err *err)
{
    Composer *composer = command->composer;
    AUTO(Str) name = { 0 };
    AUTO(Str) bytes = { 0 };
    take_argument(command, &name);
    ErrCode code = check_include(command, str_text(&name), err);
    if (code != ERR_NONE) {
        return code;
    }
    const char *path = resolve(command, str_text(&name), is_relative);
    code = source_dir_read(composer->input->dir, path, &bytes, err);
    if (code != ERR_NONE) {
        return refuse_included(command, err);
    }
    PsqlFile file = {
        .file = source_dir_cite(composer->input->dir, path, composer->arena),
        .path = path,
        .at = str_text(&bytes),
        .end = str_text(&bytes) + bytes.length,
        .line = 1,
        .from = included_from(command),
    };
    composer->depth++;
    code = psql_take_file(composer, &file, err);
    composer->depth--;
    if (code == ERR_NONE) {
        end_included(composer);
        psql_begin_origin(composer, command->file);
    }
    return code;
}

static ErrCode take_include(Command *command, Err *err)
{
    return include(command, false, err);
}

static ErrCode take_include_relative(Command *command, Err *err)
{
    return include(command, true, err);
}

static const struct {
    const char *name;
    ErrCode (*take)(Command *command, Err *err);
} COMMANDS[] = {
    { "set", take_set },
    { "unset", take_unset },
    { "i", take_include },
    { "include", take_include },
    { "ir", take_include_relative },
    { "include_relative", take_include_relative },
    /* Guards of pg_dump's output against injected commands; there is nothing else to guard. */
    { "restrict", take_nothing },
    { "unrestrict", take_nothing },
    /* For the person at the terminal. */
    { "echo", take_nothing },
    { "qecho", take_nothing },
    { "warn", take_nothing },
    { "timing", take_nothing },
    { "pset", take_nothing },
    { "x", take_nothing },
    { "t", take_nothing },
    { "a", take_nothing },
};

static ErrCode refuse_command(const PsqlFile *file, Err *err)
{
    psql_refuse(file, err, "a command of psql, not of the server: %.*s",
                sql_excerpt_of(file->at, file->end), file->at);
    return err_hint(err, "a migration holds SQL alone; remove the line");
}

ErrCode psql_take_command(Composer *composer, PsqlFile *file, Err *err)
{
    const char *newline = memchr(file->at, '\n', (size_t)(file->end - file->at));
    Command command = {
        .composer = composer,
        .file = file,
        .at = file->at + 1,
        .end = newline == NULL ? file->end : newline,
    };
    char name[NAME_MAX_ + 1] = { 0 };
    size_t length = 0;
    while (command.at + length < command.end && !sql_is_blank(command.at[length])) {
        length++;
    }
    memcpy(name, command.at, length < NAME_MAX_ ? length : NAME_MAX_);
    command.at += length;
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
        if (str_equal(COMMANDS[i].name, name)) {
            ErrCode code = COMMANDS[i].take(&command, err);
            file->at = command.end;
            return code;
        }
    }
    return refuse_command(file, err);
}
