/*
 * The `where` expression: which targets a plan is for.
 *
 *     expr  = term { "or" term }         term = factor { "and" factor }
 *     factor = "not" factor | "(" expr ")" | FIELD op
 *     op    = ("=" | "!=" | ["not"] "like") STRING | ["not"] "in" "(" STRING { "," STRING } ")"
 *     FIELD = instance | host | database | schema | version | labels.NAME
 *
 * Strings are in single quotes, '' inside. Keywords in any case. `like` has SQL's % and _ and \. A
 * missing label is ''. A label's NAME is made of letters, digits, '_', '-' and '.'. The coordinator
 * selects with it; the agent refuses an order that the signed selection does not match.
 */
#ifndef SKEIN_PROTO_SELECT_H
#define SKEIN_PROTO_SELECT_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"
#include "proto/messages.h"

#define SELECT_TEXT_MAX 4096
#define SELECT_DEPTH_MAX 32

typedef struct Select Select;

typedef struct SelectSubject {
    const char *instance;
    const char *host; /* the agent's name */
    const char *database;
    const char *schema;
    const char *version;
    const Labels *agent_labels; /* the instance's label wins over the agent's of the same name */
    const Labels *instance_labels;
} SelectSubject;

/* "" selects everything. ERR_SYNTAX names the column, what was expected, and a suggestion. */
ErrCode select_parse(const char *text, Arena *arena, Select **ret_select, Err *err);

bool select_matches(const Select *select, const SelectSubject *subject);

/*
 * Would the subject be selected at some version? What an agent can hold against an order later,
 * when the target has moved on: a comparison of `version` is taken to come out as it is needed, all
 * others are made.
 */
bool select_may_match(const Select *select, const SelectSubject *subject);

/* Does the answer depend on `version`? */
bool select_uses_version(const Select *select);

/*
 * Why does an expression select nothing? Told of every subject there is, it finds a label that none
 * has or a comparison that none satisfies, and what may have been meant instead. Lives in `arena`,
 * and needs `select` as long.
 */
typedef struct SelectDoubts SelectDoubts;
SelectDoubts *select_doubts_new(const Select *select, Arena *arena);
void select_doubts_take(SelectDoubts *doubts,
                        const SelectSubject *subject); /* copies what it keeps */

/* Appends a phrase: "no target has a label 'evn'; did you mean labels.env?" */
void select_doubts_tell(const SelectDoubts *doubts, Str *out);

/*
 * The same of an expression that does select something, whatever it makes of the label:
 * `labels.evn != 'test'` selects everything. Appends nothing where every label is somebody's, or
 * only its absence is asked for (`= ''`).
 */
void select_doubts_tell_label(const SelectDoubts *doubts, Str *out);

#endif
