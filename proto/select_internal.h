/* The tree of a `where` expression: made by select_parse.c, walked by select.c. */
#ifndef SKEIN_PROTO_SELECT_INTERNAL_H
#define SKEIN_PROTO_SELECT_INTERNAL_H

#include "proto/select.h"

typedef enum NodeKind {
    NODE_ALL = 0, /* the empty text */
    NODE_OR,
    NODE_AND,
    NODE_NOT,
    NODE_IN, /* `=` is an `in` with one string */
    NODE_LIKE,
} NodeKind;

typedef enum FieldId {
    SUBJECT_INSTANCE = 0,
    SUBJECT_HOST,
    SUBJECT_DATABASE,
    SUBJECT_SCHEMA,
    SUBJECT_VERSION,
    SUBJECT_LABEL,
} FieldId;

typedef struct StringItem {
    struct StringItem *next;
    const char *text;
} StringItem;

struct Select {
    NodeKind kind;
    Select *child; /* OR, AND: first of the members; NOT: the only one */
    Select *next;  /* the member after this one */
    FieldId field;
    const char *label;   /* SUBJECT_LABEL: its name */
    StringItem *strings; /* IN: the alternatives; LIKE: the pattern */
};

/* The subject's value of a comparison's field; "" where it has none. */
const char *select_value(const Select *node, const SelectSubject *subject);

/* The field as it is written: "database", "labels.env". Appends. */
void select_field_write(const Select *node, Str *out);

#endif
