/* A past for people: git's texts and SQL may hold what a terminal obeys. */
#include <string.h>

#include "cli/output.h"
#include "cli/past/past.h"
#include "cli/printable.h"

static Colour colour_of(char sign)
{
    return sign == '+' ? COLOUR_GOOD : sign == '-' ? COLOUR_BAD : COLOUR_NONE;
}

static void lines_write(const char *text, bool is_diff, Str *out)
{
    AUTO(Arena) arena = { 0 };
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        char *line = arena_strndup(&arena, at, length);
        printable_make(line);
        str_append(out, "    ");
        output_colour(out, is_diff ? colour_of(*line) : COLOUR_NONE, line);
        str_append_char(out, '\n');
        at += length + (at[length] == '\n');
    }
}

void past_write(const Past *past, const char *statements, Str *out)
{
    AUTO(Arena) arena = { 0 };
    if (past->commit == NULL) {
        str_printf(out, "  the text that was applied is not at hand: %s%s\n", past->why,
                   statements[0] == '\0' ? "" : "; now there is");
        lines_write(statements, false, out);
        return;
    }
    char *who = arena_printf(&arena, "%s, %s: %s", past->date, past->author, past->subject);
    printable_make(who);
    str_printf(out, "  what was applied is its file as of commit %.12s (%s)%s\n", past->commit, who,
               past->diff[0] == '\0' ? "" : ", and since then");
    lines_write(past->diff, true, out);
}
