/* The driver of the table of effects, and how effects add up. */
#include "cli/lint/effects_internal.h"

#include "common/str.h"

/* ---- names ---- */

static const char *const MODE_NAMES[] = {
    "none",  "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",    "SHARE UPDATE EXCLUSIVE",
    "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE",
};
_Static_assert(ARRAY_LEN(MODE_NAMES) == LOCK_MODE_COUNT_, "a name for each lock");

const char *lock_mode_name(LockMode mode)
{
    return MODE_NAMES[mode];
}

const char *lock_mode_blocks(LockMode mode)
{
    if (mode == LOCK_ACCESS_EXCLUSIVE) {
        return "reads and writes";
    }
    return mode >= LOCK_SHARE ? "writes" : NULL;
}

static const struct {
    const char *name;
    const char *phrase;
} WORKS[] = {
    [WORK_NONE] = { "none", "no work on its rows" },
    [WORK_ROWS] = { "rows", "reads or writes some of its rows" },
    [WORK_EMPTY] = { "empty", "empties it" },
    [WORK_SCAN] = { "scan", "reads every row" },
    [WORK_BUILD] = { "build", "reads every row and builds an index" },
    [WORK_REWRITE] = { "rewrite", "rewrites the whole table" },
};
_Static_assert(ARRAY_LEN(WORKS) == TABLE_WORK_COUNT_, "a name for each work");

const char *table_work_name(TableWork work)
{
    return WORKS[work].name;
}

const char *table_work_phrase(TableWork work)
{
    return WORKS[work].phrase;
}

/* ---- adding up ---- */

static Effect *find(const EffectReader *reader, Name table)
{
    for (size_t i = 0; i < reader->effects->count; i++) {
        if (model_is_same(reader->model, reader->effects->items[i].table, table)) {
            return &reader->effects->items[i];
        }
    }
    return NULL;
}

void effect_add(const EffectReader *reader, const Effect *effect)
{
    if (effect->table.name[0] == '\0') {
        return;
    }
    Effect *there = find(reader, effect->table);
    if (there == NULL) {
        if (reader->effects->count == EFFECTS_MAX) {
            reader->effects->is_whole = false;
            return;
        }
        reader->effects->items[reader->effects->count++] = *effect;
        return;
    }
    if (effect->work > there->work || (effect->work == there->work && effect->lock > there->lock)) {
        there->why = effect->why;
        there->is_likely = effect->is_likely;
    }
    there->work = effect->work > there->work ? effect->work : there->work;
    there->lock = effect->lock > there->lock ? effect->lock : there->lock;
}

void effect_add_lock(const EffectReader *reader, Name table, LockMode lock, const char *why)
{
    effect_add(reader, &(Effect){ .table = table, .lock = lock, .why = why });
}

void effects_are_hidden(const EffectReader *reader)
{
    reader->effects->is_whole = false;
}

/* ---- other tables ---- */

typedef struct ReadSearch {
    const EffectReader *reader;
    const ProtobufCMessage *root;
    Effect effect;
    const char *wanted; /* looking for a WITH of this name */
    bool is_found;
} ReadSearch;

static bool visit_with(const ProtobufCMessage *message, void *context)
{
    ReadSearch *search = context;
    if (message->descriptor == &pg_query__common_table_expr__descriptor) {
        const PgQuery__CommonTableExpr *with = (const PgQuery__CommonTableExpr *)message;
        search->is_found = search->is_found || str_equal(with->ctename, search->wanted);
    }
    return !search->is_found;
}

static bool is_with_name(const ReadSearch *search, const char *name)
{
    ReadSearch look = { .wanted = name };
    tree_walk(search->root, visit_with, &look);
    return look.is_found;
}

static bool visit_relation(const ProtobufCMessage *message, void *context)
{
    ReadSearch *search = context;
    if (message->descriptor == &pg_query__range_var__descriptor) {
        Name name = name_of_relation((const PgQuery__RangeVar *)message);
        if (name.schema[0] != '\0' || !is_with_name(search, name.name)) {
            search->effect.table = name;
            effect_add(search->reader, &search->effect);
        }
    }
    return true;
}

void effect_add_reads(const EffectReader *reader, const ProtobufCMessage *message, LockMode lock,
                      TableWork work, const char *why)
{
    ReadSearch search = {
        .reader = reader,
        .root = message,
        .effect = { .lock = lock, .work = work, .why = why },
    };
    tree_walk(message, visit_relation, &search);
}

void effect_add_heirs(const EffectReader *reader, const Effect *effect)
{
    const Relation *parent = model_relation(reader->model, effect->table);
    void *cursor = NULL;
    const Relation *child = NULL;
    while (parent != NULL && (child = model_next(reader->model, &cursor)) != NULL) {
        bool is_child = str_equal(child->parent.name, parent->name.name) &&
                        str_equal(child->parent.schema, parent->name.schema) && child != parent;
        if (is_child && find(reader, child->name) == NULL) {
            Effect below = *effect;
            below.table = relation_plain_name(child);
            effect_add(reader, &below);
            effect_add_heirs(reader, &below);
        }
    }
}

static Name plain(const EffectReader *reader, Name name)
{
    const Relation *known = model_relation(reader->model, name);
    return known == NULL ? name : relation_plain_name(known);
}

void effect_add_references(const EffectReader *reader, const Relation *relation, const char *wanted,
                           LockMode lock, const char *why)
{
    for (size_t i = 0; relation != NULL && i < relation->constraint_count; i++) {
        const TableConstraint *constraint = &relation->constraints[i];
        if (constraint->kind == CONSTRAINT_FOREIGN_KEY &&
            (wanted == NULL || names_have(&constraint->columns, wanted))) {
            effect_add_lock(reader, plain(reader, constraint->references), lock, why);
        }
    }
}

/* Does the foreign key point at this column of `relation`? */
static bool points_at(const TableConstraint *constraint, const Relation *relation,
                      const char *column)
{
    if (column == NULL || constraint->referenced.count > 0) {
        return column == NULL || names_have(&constraint->referenced, column);
    }
    for (size_t i = 0; i < relation->constraint_count; i++) {
        if (relation->constraints[i].kind == CONSTRAINT_PRIMARY_KEY) {
            return names_have(&relation->constraints[i].columns, column);
        }
    }
    return true;
}

void effect_add_referrers(const EffectReader *reader, const Relation *relation, const char *wanted,
                          const Effect *effect)
{
    void *cursor = NULL;
    const Relation *other = NULL;
    while (relation != NULL && (other = model_next(reader->model, &cursor)) != NULL) {
        for (size_t i = 0; i < other->constraint_count; i++) {
            const TableConstraint *constraint = &other->constraints[i];
            if (constraint->kind == CONSTRAINT_FOREIGN_KEY &&
                model_is_same(reader->model, constraint->references, relation->name) &&
                points_at(constraint, relation, wanted)) {
                Effect there = *effect;
                there.table = relation_plain_name(other);
                bool is_unchecked = there.work == WORK_SCAN && !constraint->is_valid;
                there.work = is_unchecked ? WORK_NONE : there.work;
                effect_add(reader, &there);
            }
        }
    }
}

/* ---- the driver ---- */

static const EffectRow *const PARTS[] = { EFFECTS_MAKE, EFFECTS_DROP, EFFECTS_ROWS };

void effects_of(const Node *statement, const Model *model, Arena *arena, Effects *ret_effects)
{
    *ret_effects = (Effects){ .is_whole = true };
    EffectReader reader = { model, arena, ret_effects };
    if (statement->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT) {
        effects_read_alter_table(&reader, statement);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        for (const EffectRow *row = PARTS[i]; row->read != NULL; row++) {
            if (row->node == statement->node_case) {
                row->read(&reader, statement);
            }
        }
    }
}

const Effect *effects_on(const Effects *effects, const Model *model, Name table)
{
    for (size_t i = 0; i < effects->count; i++) {
        if (model_is_same(model, effects->items[i].table, table)) {
            return &effects->items[i];
        }
    }
    return NULL;
}
