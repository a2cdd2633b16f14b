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

static const char *form(const Allowance *allowance)
{
    return allowance->is_file ? WORD_FILE : WORD;
}

static void read_words(const SqlText *text, const SqlToken *token, const char *at, Arena *arena,
                       Allowance *allowance)
{
    const char *end = text->text + token->end;
    size_t length = next_word(&at, end);
    allowance->is_file = word_is(at, length, WORD_FILE);
    at += length;
    length = next_word(&at, end);
    allowance->rule = arena_strndup(arena, at, length);
    at += length;
    next_word(&at, end);
    while (end > at && sql_is_blank(end[-1])) {
        end--;
    }
    allowance->reason = arena_strndup(arena, at, (size_t)(end - at));
}

/* `statement_line` 0: no statement stands before it. */
static void judge(Allowance *allowance, size_t before, uint32_t statement_line, Arena *arena)
{
    if (before + 1 == ALLOWANCES_MAX) {
        allowance->fault =
            arena_printf(arena, "%d allowances in one file: no more are read", ALLOWANCES_MAX);
        allowance->hint = "allow it once for the whole file: -- skein: " WORD_FILE " RULE REASON";
    } else if (allowance->rule[0] == '\0') {
        allowance->fault = arena_printf(arena, "\"%s\" without a rule", form(allowance));
        allowance->hint =
            arena_printf(arena, "-- skein: %s RULE REASON, in words that a reviewer understands",
                         form(allowance));
    } else if (allowance->reason[0] == '\0') {
        allowance->fault =
            arena_printf(arena, "%s \"%s\" gives no reason", form(allowance), allowance->rule);
        allowance->hint =
            arena_printf(arena, "say why it is safe here: -- skein: %s %s the table has ten rows",
                         form(allowance), allowance->rule);
    } else if (allowance->is_file && statement_line != 0) {
        allowance->fault = "\"" WORD_FILE "\" after the first statement";
        allowance->hint =
            arena_printf(arena, "move it above line %u, or say \"" WORD "\" beside the statement",
                         statement_line);
    }
}

Allowances allowances_read(const SqlText *text, Arena *arena)
{
    AUTO(AllowanceList) list = { 0 };
    uint32_t statement_line = 0;
    for (size_t i = 0; i < text->token_count && list.count < ALLOWANCES_MAX; i++) {
        const SqlToken *token = &text->tokens[i];
        if (!sql_token_is_comment(token)) {
            statement_line = statement_line == 0 ? token->line : statement_line;
            continue;
        }
        const char *words = sql_token_behind_mark(text, token);
        if (words == NULL || !allowance_begins(words, text->text + token->end)) {
            continue;
        }
        Allowance allowance = { .line = token->line, .start = token->start };
        read_words(text, token, words, arena, &allowance);
        judge(&allowance, list.count, statement_line, arena);
        LIST_PUSH(&list, allowance);
    }
    return (Allowances){
        .items = arena_memdup(arena, list.items, list.count * sizeof(list.items[0])),
        .count = list.count,
    };
}
