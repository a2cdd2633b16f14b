/* Allowances in comments. Owns their grammar; what they are for is lint's. */
#include "cli/source/allowance.h"

#include <string.h>
#include <strings.h>

#include "common/list.h"
#include "common/str.h"

#define WORD "allow"
#define WORD_FILE "allow-file"

typedef LIST(Allowance) AllowanceList;

static void allowance_list_done(AllowanceList *list)
{
    LIST_DONE(list);
}

AUTO_DEFINE(AllowanceList, allowance_list_done)

/* The next word: its length, *at on its first byte. 0 at the end. */
static size_t next_word(const char **at, const char *end)
{
    while (*at < end && sql_is_blank(**at)) {
        (*at)++;
    }
    size_t length = 0;
    while (*at + length < end && !sql_is_blank((*at)[length])) {
        length++;
    }
    return length;
}

static bool word_is(const char *at, size_t length, const char *word)
{
    return length == strlen(word) && strncasecmp(at, word, length) == 0;
}

bool allowance_begins(const char *words, const char *end)
{
    size_t length = next_word(&words, end);
    return word_is(words, length, WORD) || word_is(words, length, WORD_FILE);
}

static ErrCode read_one(const SqlText *text, const SqlToken *token, const char *at, Arena *arena,
                        Allowance *ret_allowance, Err *err)
{
    const char *end = text->text + token->end;
    size_t length = next_word(&at, end);
    bool is_file = word_is(at, length, WORD_FILE);
    at += length;
    length = next_word(&at, end);
    if (length == 0) {
        sql_refuse(text, token->line, err, "\"%s\" without a rule", is_file ? WORD_FILE : WORD);
        return err_hint(err, "-- skein: %s RULE REASON, in words that a reviewer understands",
                        is_file ? WORD_FILE : WORD);
    }
    const char *rule = arena_strndup(arena, at, length);
    at += length;
    next_word(&at, end);
    while (end > at && sql_is_blank(end[-1])) {
        end--;
    }
    if (at == end) {
        sql_refuse(text, token->line, err, "%s \"%s\" gives no reason", is_file ? WORD_FILE : WORD,
                   rule);
        return err_hint(err, "say why it is safe here: -- skein: %s %s the table has ten rows",
                        is_file ? WORD_FILE : WORD, rule);
    }
    *ret_allowance = (Allowance){
        .rule = rule,
        .reason = arena_strndup(arena, at, (size_t)(end - at)),
        .line = token->line,
        .start = token->start,
        .is_file = is_file,
    };
    return ERR_NONE;
}

static ErrCode check_place(const SqlText *text, const Allowance *allowance, uint32_t statement_line,
                           Err *err)
{
    if (!allowance->is_file || statement_line == 0) {
        return ERR_NONE;
    }
    sql_refuse(text, allowance->line, err, "\"" WORD_FILE "\" after the first statement");
    return err_hint(err, "move it above line %u, or say \"" WORD "\" beside the statement",
                    statement_line);
}

ErrCode allowances_read(const SqlText *text, Arena *arena, Allowances *ret_allowances, Err *err)
{
    AUTO(AllowanceList) list = { 0 };
    uint32_t statement_line = 0;
    for (size_t i = 0; i < text->token_count; i++) {
        const SqlToken *token = &text->tokens[i];
        if (!sql_token_is_comment(token)) {
            statement_line = statement_line == 0 ? token->line : statement_line;
            continue;
        }
        const char *words = sql_token_behind_mark(text, token);
        if (words == NULL || !allowance_begins(words, text->text + token->end)) {
            continue;
        }
        if (list.count == ALLOWANCES_MAX) {
            return err_set(err, ERR_LIMIT, "%s:%u: more than %d allowances in one file", text->file,
                           token->line, ALLOWANCES_MAX);
        }
        Allowance allowance = { 0 };
        ErrCode code = read_one(text, token, words, arena, &allowance, err);
        if (code == ERR_NONE) {
            code = check_place(text, &allowance, statement_line, err);
        }
        if (code != ERR_NONE) {
            return code;
        }
        LIST_PUSH(&list, allowance);
    }
    *ret_allowances = (Allowances){
        .items = arena_memdup(arena, list.items, list.count * sizeof(list.items[0])),
        .count = list.count,
    };
    return ERR_NONE;
}
