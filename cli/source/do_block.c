/* The bodies of DO blocks. */
#include "cli/source/do_block.h"

#include <string.h>
#include <strings.h>

#include "cli/source/scan.h"
#include "common/str.h"

static bool is_any_word(const SqlText *text, const SqlToken *token, const char *const *words,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sql_token_is_word(text, token, words[i])) {
            return true;
        }
    }
    return false;
}

/* Can a statement begin behind this token? NULL: the body begins. */
static bool may_begin_behind(const SqlText *text, const SqlToken *before)
{
    static const char *const OPENERS[] = { "BEGIN", "THEN", "ELSE", "LOOP" };
    bool is_label = before != NULL && before->end - before->start == 2 &&
                    memcmp(text->text + before->start, ">>", 2) == 0;
    return before == NULL || before->kind == SQL_TOKEN_SEMICOLON || is_label ||
           is_any_word(text, before, OPENERS, ARRAY_LEN(OPENERS));
}

/* "COMMIT;", "ROLLBACK AND CHAIN;", where a statement begins. */
static bool is_end(const SqlText *text, size_t index)
{
    static const char *const ENDS[] = { "COMMIT", "ROLLBACK" };
    if (!is_any_word(text, &text->tokens[index], ENDS, ARRAY_LEN(ENDS))) {
        return false;
    }
    const SqlToken *after = sql_token_after(text, index);
    bool is_whole = after != NULL &&
                    (after->kind == SQL_TOKEN_SEMICOLON || sql_token_is_word(text, after, "AND"));
    return is_whole && may_begin_behind(text, sql_token_before(text, index));
}

static bool holds_word(const char *body)
{
    return strcasestr(body, "commit") != NULL || strcasestr(body, "rollback") != NULL;
}

bool do_block_ends_transactions(const char *language, const char *body, Arena *arena)
{
    SqlText text = { 0 };
    Bytes bytes = { (const uint8_t *)body, strlen(body) };
    bool is_scanned = holds_word(body) && strcasecmp(language, "plpgsql") == 0 &&
                      sql_text_open("", bytes, 1, arena, &text, NULL) == ERR_NONE &&
                      sql_scan(&text, arena, NULL) == ERR_NONE;
    if (!is_scanned) {
        return holds_word(body);
    }
    for (size_t i = 0; i < text.token_count; i++) {
        if (is_end(&text, i)) {
            return true;
        }
    }
    return false;
}
