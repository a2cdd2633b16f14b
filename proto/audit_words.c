/* A route's first noun, and what is done: its last word, or what making one is called. */
#include "proto/audit_words.h"

#include <string.h>

#include "common/cleanup.h"

#define ROOT " /api/v1/"

/* As the commands have it, where that is not as the paths do. */
static const struct {
    const char *noun; /* of the path */
    const char *command;
    const char *make; /* to send one: no verb stands in the path; NULL: the command says it */
} NOUNS[] = {
    { "rollouts", "rollout", "start" },
    { "plans", "plan", "bring" },
    { "applicants", "agents", "create" }, /* `skein agents accept` */
    { "invitations", "agents invite", NULL },
};

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

void audit_words(const char *action, Str *out)
{
    const char *root = strstr(action, ROOT);
    if (root == NULL) {
        str_append(out, action);
        return;
    }
    const char *noun = root + strlen(ROOT);
    const char *last = strrchr(noun, '/');
    size_t length = strcspn(noun, "/");
    bool has_verb = last != NULL && last[1] != '{';
    for (size_t i = 0; i < ARRAY_LEN(NOUNS); i++) {
        if (is_word(noun, length, NOUNS[i].noun)) {
            const char *verb = has_verb ? last + 1 : NOUNS[i].make;
            str_printf(out, "%s%s%s", NOUNS[i].command, verb == NULL ? "" : " ",
                       verb == NULL ? "" : verb);
            return;
        }
    }
    str_printf(out, "%.*s %s", (int)length, noun, has_verb ? last + 1 : "create");
}
