/* Directives in leading comments. Adding one: a row of DIRECTIVES and a member of Directives. */
#include "cli/source/directive.h"

#include <string.h>
#include <strings.h>

#include "cli/source/allowance.h"
#include "cli/source/watchdog_text.h"
#include "common/str.h"
#include "common/units.h"

#define NEAR_EDITS 2                                 /* a letter too many and one too few */
#define WORD_MAX 63                                  /* of a directive with its value */
#define LOCK_TIMEOUT_MAX_MS (24u * 24 * 3600 * 1000) /* PostgreSQL's own is a day above */

typedef struct Directive {
    const char *name;
    const char *value_example; /* NULL: takes no value */
    const char *wanted;        /* of the value, for people */
    bool (*take)(const char *value, Directives *directives);
    size_t line_offset; /* of its line in Directives */
} Directive;

static bool take_lock_timeout(const char *value, Directives *directives)
{
    uint32_t duration_ms = 0;
    if (!duration_parse(value, &duration_ms) || duration_ms == 0 ||
        duration_ms > LOCK_TIMEOUT_MAX_MS) {
        return false;
    }
    directives->lock_timeout_ms = duration_ms;
    return true;
}

static bool take_watchdog(const char *value, Directives *directives)
{
    return watchdog_parse(value, &directives->watchdog);
}

static const Directive DIRECTIVES[] = {
    { "no-transaction", NULL, NULL, NULL, offsetof(Directives, no_transaction_line) },
    { "lock-timeout", "5s", "a duration from 1ms to 24d", take_lock_timeout,
      offsetof(Directives, lock_timeout_line) },
    { "watchdog", WATCHDOG_TEXT_EXAMPLE, "sessions and a duration up to 1h, or off", take_watchdog,
      offsetof(Directives, watchdog_line) },
    { "irreversible", NULL, NULL, NULL, offsetof(Directives, irreversible_line) },
    { "tolerate-warnings", NULL, NULL, NULL, offsetof(Directives, tolerate_warnings_line) },
};

static ErrCode refuse_unknown(const SqlText *text, uint32_t line, const char *name, Err *err)
{
    const char *names[ARRAY_LEN(DIRECTIVES) + 2] = { "allow", "allow-file" };
    for (size_t i = 0; i < ARRAY_LEN(DIRECTIVES); i++) {
        names[i + 2] = DIRECTIVES[i].name;
    }
    sql_refuse(text, line, err, "unknown directive \"%s\"", name);
    const char *nearest = str_nearest(name, names, ARRAY_LEN(names));
    if (nearest != NULL) {
        return err_hint(err, "did you mean \"%s\"?", nearest);
    }
    return err_hint(err, "the directives are no-transaction, lock-timeout=5s, "
                         "watchdog=20/5s, irreversible, tolerate-warnings, allow RULE REASON, "
                         "allow-file RULE REASON");
}

static ErrCode read_value(const SqlText *text, uint32_t line, const Directive *directive,
                          const char *value, Directives *directives, Err *err)
{
    if (directive->value_example == NULL) {
        return value == NULL ? ERR_NONE
                             : sql_refuse(text, line, err, "directive \"%s\" takes no value",
                                          directive->name);
    }
    if (value == NULL || !directive->take(value, directives)) {
        sql_refuse(text, line, err, "directive \"%s\" needs %s, not \"%s\"", directive->name,
                   directive->wanted, value == NULL ? "" : value);
        return err_hint(err, "for example %s=%s", directive->name, directive->value_example);
    }
    return ERR_NONE;
}

/* One word of a directive comment: NAME or NAME=VALUE. */
static ErrCode read_word(const SqlText *text, uint32_t line, char *word, Directives *directives,
                         Err *err)
{
    char *value = strchr(word, '=');
    if (value != NULL) {
        *value++ = '\0';
    }
    for (size_t i = 0; i < ARRAY_LEN(DIRECTIVES); i++) {
        if (strcasecmp(DIRECTIVES[i].name, word) != 0) {
            continue;
        }
        uint32_t *said = (uint32_t *)((char *)directives + DIRECTIVES[i].line_offset);
        if (*said != 0) {
            return sql_refuse(text, line, err, "directive \"%s\" is said twice, first at line %u",
                              DIRECTIVES[i].name, *said);
        }
        *said = line;
        return read_value(text, line, &DIRECTIVES[i], value, directives, err);
    }
    return refuse_unknown(text, line, word, err);
}

static bool is_separator(char c)
{
    return sql_is_blank(c) || c == ',';
}

static ErrCode read_words(const SqlText *text, uint32_t line, const char *at, const char *end,
                          Directives *directives, Err *err)
{
    size_t count = 0;
    while (at < end) {
        if (is_separator(*at)) {
            at++;
            continue;
        }
        const char *start = at;
        while (at < end && !is_separator(*at)) {
            at++;
        }
        char word[WORD_MAX + 1];
        if ((size_t)(at - start) > WORD_MAX) {
            return sql_refuse(text, line, err, "unknown directive \"%.*s…\"", sql_excerpt(start),
                              start);
        }
        memcpy(word, start, (size_t)(at - start));
        word[at - start] = '\0';
        ErrCode code = read_word(text, line, word, directives, err);
        if (code != ERR_NONE) {
            return code;
        }
        count++;
    }
    return count > 0 ? ERR_NONE : sql_refuse(text, line, err, "\"skein:\" without a directive");
}

ErrCode directives_read(const SqlText *text, Directives *ret_directives, Err *err)
{
    Directives directives = { 0 };
    uint32_t statement_line = 0;
    for (size_t i = 0; i < text->token_count; i++) {
        const SqlToken *token = &text->tokens[i];
        if (!sql_token_is_comment(token)) {
            statement_line = statement_line == 0 ? token->line : statement_line;
            continue;
        }
        const char *words = sql_token_behind_mark(text, token);
        if (words == NULL || allowance_begins(words, text->text + token->end)) {
            continue;
        }
        if (statement_line != 0) {
            sql_refuse(text, token->line, err, "a directive after the first statement");
            return err_hint(err, "move it above line %u", statement_line);
        }
        ErrCode code =
            read_words(text, token->line, words, text->text + token->end, &directives, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    *ret_directives = directives;
    return ERR_NONE;
}

bool directive_is_near(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(DIRECTIVES); i++) {
        if (str_is_within(word, DIRECTIVES[i].name, NEAR_EDITS)) {
            return true;
        }
    }
    return false;
}
