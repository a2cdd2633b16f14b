/* See cause.h. */
#include "coordinator/http/cause.h"

#include <ctype.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "proto/address.h"

#define RAISED "P0001" /* RAISE EXCEPTION: one code for whatever the migration has to say */
#define OWN "#"        /* stands for what is a target's own */

/*
 * "gave up after 3 tries: blocked by pgbench (pid 4711, …": who it is stands before the
 * parenthesis, and is the same on every host. Empty: it is not told.
 */
static const char *blocker_of(const TargetRow *target, Arena *arena)
{
    static const char MARK[] = "blocked by ";
    const char *at = strstr(target->message, MARK);
    if (at == NULL) {
        return "";
    }
    at += strlen(MARK);
    const char *end = strstr(at, " (");
    return end == NULL ? "" : arena_strndup(arena, at, (size_t)(end - at));
}

/* ---- words, without what is each target's own ---- */

/* How a target is called; the address as it is written comes first, being the longest. */
typedef struct OwnNames {
    const char *items[4];
    bool is_any_number; /* every number is a value of the target's */
} OwnNames;

/* What numbers stand behind these are the target's own; a migration's version is not. */
static const char *const NUMBERED[] = {
    "pid", "backend", "term", "token", "cluster", "database", "timeline",
};

static OwnNames own_names(const TargetRow *target, Arena *arena)
{
    Address address = { 0 };
    OwnNames names = { .is_any_number = str_equal(target->sqlstate, RAISED) };
    if (address_parse(target->address, arena, &address, NULL) == ERR_NONE) {
        names.items[0] = target->address;
        names.items[1] = address.schema;
        names.items[2] = address.database;
        names.items[3] = address.instance;
    }
    return names;
}

static bool is_of_word(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_' || (unsigned char)byte >= 0x80;
}

/* How much of the text at a word's beginning is one of the names; 0: nothing. */
static size_t name_length(const OwnNames *names, const char *at)
{
    for (size_t i = 0; i < ARRAY_LEN(names->items); i++) {
        const char *name = names->items[i] == NULL ? "" : names->items[i];
        size_t length = strlen(name);
        if (length > 0 && strncmp(at, name, length) == 0 && !is_of_word(at[length])) {
            return length;
        }
    }
    return 0;
}

static bool is_numbered(const char *word, size_t length)
{
    for (size_t i = 0; i < ARRAY_LEN(NUMBERED); i++) {
        if (strlen(NUMBERED[i]) == length && strncmp(word, NUMBERED[i], length) == 0) {
            return true;
        }
    }
    return false;
}

static size_t word_length(const char *at)
{
    size_t length = 0;
    while (is_of_word(at[length])) {
        length++;
    }
    return length;
}

static void words_write(const char *text, const OwnNames *names, Str *out)
{
    bool is_behind_numbered = false;
    while (*text != '\0') {
        size_t length = word_length(text);
        size_t named = length == 0 ? 0 : name_length(names, text);
        bool is_number = length > 0 && strspn(text, "0123456789") == length;
        bool is_own = named > 0 || (is_number && (is_behind_numbered || names->is_any_number));
        size_t taken = named > 0 ? named : length > 0 ? length : 1;
        str_append_bytes(out, is_own ? OWN : text, is_own ? strlen(OWN) : taken);
        is_behind_numbered =
            length > 0 ? is_numbered(text, length) : is_behind_numbered && *text == ' ';
        text += taken;
    }
}

/* ---- the key ---- */

/* At a step the server's code says what it is, and its words which rows it met. */
static bool is_told_by_code(const TargetRow *target)
{
    return target->sqlstate[0] != '\0' && target->migration[0] != '\0' &&
           !str_equal(target->sqlstate, RAISED);
}

static const char *words_of(const TargetRow *target, Arena *arena)
{
    AUTO(Str) words = { 0 };
    OwnNames names = own_names(target, arena);
    words_write(target->message, &names, &words);
    str_append_char(&words, '\n');
    words_write(target->hint, &names, &words);
    return arena_strdup(arena, str_text(&words));
}

/* Whether lock_timeout or the watchdog ended the waiting is no other cause. */
const char *cause_key(const TargetRow *target, Arena *arena)
{
    bool is_blocked = target->code == ERR_BLOCKED;
    bool has_words = !is_blocked && !is_told_by_code(target);
    return arena_printf(arena, "%d/%s/%u/%s/%s", (int)target->code,
                        is_blocked ? blocker_of(target, arena) : target->sqlstate,
                        target->statement, target->migration,
                        has_words ? words_of(target, arena) : "");
}
