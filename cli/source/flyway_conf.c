/* What Flyway is told about one file. A new key is a row of KEYS. */
#include "cli/source/flyway_conf.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "cli/source/found.h"
#include "cli/source/lines.h"

#define SUFFIX ".conf"

typedef struct ConfLine {
    const char *file;
    uint32_t number;
    const char *value;
} ConfLine;

static ErrCode read_bool(const ConfLine *line, bool *ret_value, Err *err)
{
    *ret_value = strcasecmp(line->value, "true") == 0;
    if (!*ret_value && strcasecmp(line->value, "false") != 0) {
        return err_set(err, ERR_SYNTAX, "%s:%u: \"%s\" is neither true nor false", line->file,
                       line->number, line->value);
    }
    return ERR_NONE;
}

static ErrCode take_transaction(const ConfLine *line, FlywayConf *conf, Err *err)
{
    conf->has_transaction = true;
    conf->transaction_words = "its .conf says executeInTransaction=true";
    return read_bool(line, &conf->is_in_transaction, err);
}

static ErrCode take_replacement(const ConfLine *line, FlywayConf *conf, Err *err)
{
    return read_bool(line, &conf->is_replacing, err);
}

static ErrCode take_should_execute(const ConfLine *line, FlywayConf *conf, Err *err)
{
    bool should = true;
    if (read_bool(line, &should, err) != ERR_NONE) {
        err_set(err, ERR_SYNTAX, "%s:%u: shouldExecute=%s is decided per database", line->file,
                line->number, line->value);
        return err_hint(err, "a plan is the same for every target: write true or false");
    }
    conf->is_left_out = !should;
    return ERR_NONE;
}

static ErrCode take_encoding(const ConfLine *line, FlywayConf *conf, Err *err)
{
    (void)conf;
    if (strcasecmp(line->value, "UTF-8") != 0 && strcasecmp(line->value, "UTF8") != 0) {
        err_set(err, ERR_SYNTAX, "%s:%u: encoding %s", line->file, line->number, line->value);
        return err_hint(err, "save the file as UTF-8");
    }
    return ERR_NONE;
}

static const struct {
    const char *key;
    ErrCode (*take)(const ConfLine *line, FlywayConf *conf, Err *err);
} KEYS[] = {
    { "executeInTransaction", take_transaction },
    { "placeholderReplacement", take_replacement },
    { "shouldExecute", take_should_execute },
    { "encoding", take_encoding },
};

static const char *trimmed(const char *start, const char *end, Arena *arena)
{
    while (start < end && isspace((unsigned char)*start)) {
        start++;
    }
    while (end > start && isspace((unsigned char)end[-1])) {
        end--;
    }
    return arena_strndup(arena, start, (size_t)(end - start));
}

static ErrCode take_conf_line(const ScriptInput *file, const TextLine *line, Arena *arena,
                              FlywayConf *conf, Err *err)
{
    const char *end = line->start + line->length;
    const char *sign = memchr(line->start, '=', line->length);
    if (text_line_is_blank(line) || *text_line_words(line) == '#' || sign == NULL) {
        return ERR_NONE;
    }
    const char *key = trimmed(line->start, sign, arena);
    ConfLine taken = { file->file, line->number, trimmed(sign + 1, end, arena) };
    const char *keys[ARRAY_LEN(KEYS)];
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        keys[i] = KEYS[i].key;
        if (str_equal(KEYS[i].key, key)) {
            return KEYS[i].take(&taken, conf, err);
        }
    }
    err_set(err, ERR_SYNTAX, "%s:%u: Flyway has no \"%s\" for a file", file->file, line->number,
            key);
    const char *nearest = str_nearest(key, keys, ARRAY_LEN(keys));
    return nearest == NULL ? err->code : err_hint(err, "did you mean \"%s\"?", nearest);
}

ErrCode flyway_conf_read(const SourceReading *reading, const FlywaySettings *settings,
                         const char *path, FlywayConf *ret_conf, Err *err)
{
    FlywayConf conf = {
        .is_replacing = settings->is_replacing,
        .has_transaction = settings->has_transaction,
        .is_in_transaction = settings->is_in_transaction,
        .transaction_words = "Flyway's settings say executeInTransaction=true",
    };
    ScriptInput file = { 0 };
    const char *name = arena_printf(reading->arena, "%s" SUFFIX, path);
    ErrCode code =
        source_dir_has_path(reading->dir, name) ? found_input(reading, name, &file, err) : ERR_NONE;
    for (TextLine line = { 0 }; code == ERR_NONE && text_next_line(file.bytes, &line);) {
        code = take_conf_line(&file, &line, reading->arena, &conf, err);
    }
    if (code == ERR_NONE) {
        *ret_conf = conf;
    }
    return code;
}
