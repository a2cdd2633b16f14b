/* The evaluation of `where` expressions. Pure: no I/O, no allocation. */
#include "proto/select.h"

#include <string.h>

#include "common/utf8.h"
#include "proto/select_internal.h"

static const char *label_value(const Labels *labels, const char *name)
{
    for (size_t i = 0; labels != NULL && i < labels->count; i++) {
        if (strcmp(labels->items[i].name, name) == 0) {
            return labels->items[i].value;
        }
    }
    return NULL;
}

const char *select_value(const Select *node, const SelectSubject *subject)
{
    const char *const PLAIN[] = {
        [SUBJECT_INSTANCE] = subject->instance, [SUBJECT_HOST] = subject->host,
        [SUBJECT_DATABASE] = subject->database, [SUBJECT_SCHEMA] = subject->schema,
        [SUBJECT_VERSION] = subject->version,
    };
    const char *value = NULL;
    if (node->field == SUBJECT_LABEL) {
        value = label_value(subject->instance_labels, node->label);
        value = value == NULL ? label_value(subject->agent_labels, node->label) : value;
    } else {
        value = PLAIN[node->field];
    }
    return value == NULL ? "" : value;
}

static size_t character_length(const char *text)
{
    size_t length = utf8_character(text, strlen(text));
    return length == 0 ? 1 : length;
}

/* Does the pattern's element take what is at `text`? Sets how far each moves. Not for %. */
static bool element_matches(const char *pattern, const char *text, size_t *ret_pattern_step,
                            size_t *ret_text_step)
{
    if (*pattern == '_') {
        *ret_pattern_step = 1;
        *ret_text_step = character_length(text);
        return true;
    }
    size_t escape = *pattern == '\\';
    *ret_pattern_step = escape + 1;
    *ret_text_step = 1;
    return pattern[escape] == *text;
}

/* Only the last % is ever tried again, so the time is bounded by the product of the lengths. */
static bool like_matches(const char *pattern, const char *text)
{
    const char *after_percent = NULL;
    const char *retry_at = NULL;
    while (*text != '\0') {
        size_t pattern_step = 0;
        size_t text_step = 0;
        if (*pattern == '%') {
            after_percent = ++pattern;
            retry_at = text;
        } else if (*pattern != '\0' && element_matches(pattern, text, &pattern_step, &text_step)) {
            pattern += pattern_step;
            text += text_step;
        } else if (after_percent != NULL) {
            retry_at += character_length(retry_at);
            text = retry_at;
            pattern = after_percent;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "%")] == '\0';
}

static bool in_matches(const Select *node, const char *value)
{
    for (const StringItem *item = node->strings; item != NULL; item = item->next) {
        if (strcmp(item->text, value) == 0) {
            return true;
        }
    }
    return false;
}

/* OR is true at the first true member, AND false at the first false one. */
static bool chain_matches(const Select *node, const SelectSubject *subject)
{
    bool decides = node->kind == NODE_OR;
    for (const Select *member = node->child; member != NULL; member = member->next) {
        if (select_matches(member, subject) == decides) {
            return decides;
        }
    }
    return !decides;
}

bool select_matches(const Select *select, const SelectSubject *subject)
{
    switch (select->kind) {
    case NODE_ALL:
        return true;
    case NODE_OR:
    case NODE_AND:
        return chain_matches(select, subject);
    case NODE_NOT:
        return !select_matches(select->child, subject);
    case NODE_IN:
        return in_matches(select, select_value(select, subject));
    case NODE_LIKE:
        return like_matches(select->strings->text, select_value(select, subject));
    }
    return false;
}

static bool may_be(const Select *node, const SelectSubject *subject, bool wanted);

/* A chain comes out as what decides it when one member may, and as the other when all may. */
static bool chain_may_be(const Select *node, const SelectSubject *subject, bool wanted)
{
    bool is_one_enough = wanted == (node->kind == NODE_OR);
    for (const Select *member = node->child; member != NULL; member = member->next) {
        if (may_be(member, subject, wanted) == is_one_enough) {
            return is_one_enough;
        }
    }
    return !is_one_enough;
}

static bool may_be(const Select *node, const SelectSubject *subject, bool wanted)
{
    switch (node->kind) {
    case NODE_OR:
    case NODE_AND:
        return chain_may_be(node, subject, wanted);
    case NODE_NOT:
        return may_be(node->child, subject, !wanted);
    case NODE_IN:
    case NODE_LIKE:
        return node->field == SUBJECT_VERSION || select_matches(node, subject) == wanted;
    case NODE_ALL:
        return wanted;
    }
    return false;
}

bool select_may_match(const Select *select, const SelectSubject *subject)
{
    return may_be(select, subject, true);
}

bool select_uses_version(const Select *select)
{
    bool is_leaf = select->kind == NODE_IN || select->kind == NODE_LIKE;
    if (is_leaf && select->field == SUBJECT_VERSION) {
        return true;
    }
    for (const Select *member = select->child; member != NULL; member = member->next) {
        if (select_uses_version(member)) {
            return true;
        }
    }
    return false;
}
