/* See near_mark.h. */
#include "cli/source/near_mark.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/str.h"

#define WORDS_MAX 2  /* of a mark */
#define NEAR_EDITS 2 /* of our own name: a letter too many and one too few */
#define LETTERS_MAX 23

/* What stands beside the direction: "migrate:down", "+goose Down", "Down Migration". */
static const char *const NAMES[] = { "goose", "migrate", "migration" };

/* Words of a comment, whatever stands between them. */
typedef struct CommentWords {
    char words[WORDS_MAX][LETTERS_MAX + 1];
    size_t count;
} CommentWords;

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || c == '_';
}

/* Behind the words of a mark may stand the option of a section. */
static bool is_option(const char *at, size_t length)
{
    static const char OPTION[] = "transaction";
    return length == strlen(OPTION) && strncasecmp(at, OPTION, length) == 0;
}

/* False: more, or longer ones, than a mark has. */
static bool read_words(const char *at, const char *end, CommentWords *ret_words)
{
    CommentWords words = { 0 };
    while (at < end) {
        size_t length = 0;
        while (at + length < end && is_letter(at[length])) {
            length++;
        }
        if (words.count == WORDS_MAX && is_option(at, length)) {
            break;
        }
        if (length > LETTERS_MAX || (length > 0 && words.count == WORDS_MAX)) {
            return false;
        }
        if (length > 0) {
            memcpy(words.words[words.count++], at, length);
        }
        at += length > 0 ? length : 1;
    }
    *ret_words = words;
    return true;
}

/* "up" has no letter to spare. */
static bool is_direction(const char *word, const char *direction)
{
    return str_is_within(word, direction, strlen(direction) / 4);
}

static bool is_name(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (str_is_within(word, NAMES[i], strlen(NAMES[i]) / 3)) {
            return true;
        }
    }
    return false;
}

/* The direction by itself, or grown together with a name. */
static bool is_one_word_mark(const char *word, const char *direction)
{
    bool is_mark = strcasecmp(word, direction) == 0;
    for (size_t i = 0; i < ARRAY_LEN(NAMES) && !is_mark; i++) {
        char joined[2][2 * LETTERS_MAX];
        text_format(joined[0], sizeof(joined[0]), "%s%s", NAMES[i], direction);
        text_format(joined[1], sizeof(joined[1]), "%s%s", direction, NAMES[i]);
        is_mark = str_is_within(word, joined[0], 1) || str_is_within(word, joined[1], 1);
    }
    return is_mark;
}

static bool is_near_mark(const char *at, const char *end, const char *direction)
{
    CommentWords all = { 0 };
    if (!read_words(at, end, &all) || all.count == 0) {
        return false;
    }
    const char *first = all.words[0];
    const char *second = all.words[1];
    return all.count == 1 ? is_one_word_mark(first, direction)
                          : (is_name(first) && is_direction(second, direction)) ||
                                (is_direction(first, direction) && is_name(second));
}

/* Does nothing stand before it on its line? */
static bool begins_line(const SqlText *text, const SqlToken *token)
{
    size_t at = token->start;
    while (at > 0 && (text->text[at - 1] == ' ' || text->text[at - 1] == '\t')) {
        at--;
    }
    return at == 0 || text->text[at - 1] == '\n';
}

static void tell(const SqlText *text, const SqlToken *token, bool is_down, const char *wanted,
                 SourceNotes *notes)
{
    size_t length = token->end - token->start;
    length -= text->text[token->end - 1] == '\r';
    source_note_at(notes, SOURCE_NOTE_WARNING, text, token->start,
                   "\"%.*s\" is only a comment here, and what is below it runs with the %s%s%s%s",
                   (int)length, text->text + token->start, is_down ? "down" : "up",
                   wanted == NULL ? "" : ": it takes ", wanted == NULL ? "" : wanted,
                   wanted == NULL ? "" : " to part them");
}

void near_marks_tell(const SqlText *text, bool is_down, const char *wanted, SourceNotes *notes)
{
    const char *other = is_down ? "up" : "down";
    for (size_t i = 0; i < text->token_count; i++) {
        const SqlToken *token = &text->tokens[i];
        bool is_candidate = token->kind == SQL_TOKEN_LINE_COMMENT && begins_line(text, token) &&
                            sql_token_after(text, i) != NULL;
        if (is_candidate &&
            is_near_mark(text->text + token->start, text->text + token->end, other)) {
            tell(text, token, is_down, wanted, notes);
        }
    }
}

/* The next word of a comment, moving behind it; "": there is none, or it is too long for one. */
static void take_word(const char **at, const char *end, char ret_word[LETTERS_MAX + 1])
{
    size_t length = 0;
    while (*at < end && !is_letter(**at)) {
        (*at)++;
    }
    while (*at + length < end && (is_letter((*at)[length]) || (*at)[length] == '-')) {
        length++;
    }
    size_t kept = length <= LETTERS_MAX ? length : 0;
    memcpy(ret_word, *at, kept);
    ret_word[kept] = '\0';
    *at += length;
}

void near_directives_tell(const SqlText *text, SourceNotes *notes)
{
    char name[LETTERS_MAX + 1];
    char directive[LETTERS_MAX + 1];
    for (size_t i = 0; i < text->token_count; i++) {
        const SqlToken *token = &text->tokens[i];
        if (!sql_token_is_comment(token) || sql_token_behind_mark(text, token) != NULL) {
            continue;
        }
        const char *at = text->text + token->start;
        take_word(&at, text->text + token->end, name);
        take_word(&at, text->text + token->end, directive);
        if (str_is_within(name, "skein", NEAR_EDITS) && directive_is_near(directive)) {
            source_note_at(notes, SOURCE_NOTE_WARNING, text, token->start,
                           "\"%s %s\" is only a comment here: write \"-- skein: %s\"", name,
                           directive, directive);
        }
    }
}
