/* Rules about what a transaction holds while it goes on, and about what can run in none. */
#include "cli/lint/families.h"
#include "cli/lint/lint_run.h"

#include <string.h>
#include <strings.h>

#include "common/str.h"

#define STRONG LOCK_SHARE /* from here on writers wait */

static bool is_strong(const CaseEffect *effect)
{
    return effect->is_busy && effect->effect.lock >= STRONG;
}

/* ---- one lock, held ---- */

typedef struct HeldLock {
    const CaseEffect *effect;
    const CaseStatement *statement;
} HeldLock;

/* The strongest lock that earlier statements of the transaction hold, and this
 * one does not need. */
static HeldLock held_before(const LintCase *lint)
{
    HeldLock held = { 0 };
    for (const CaseStatement *one = lint->script->statements; one < lint->statement; one++) {
        for (size_t i = 0; one->part == lint->statement->part && i < one->effect_count; i++) {
            const CaseEffect *effect = &one->effects[i];
            bool is_own = case_effect(lint, effect->effect.table).lock >= STRONG;
            if (is_strong(effect) && !is_own &&
                (held.effect == NULL || effect->effect.lock > held.effect->effect.lock)) {
                held = (HeldLock){ effect, one };
            }
        }
    }
    return held;
}

/* WHERE key = constant: one row. */
static bool is_point(const LintCase *lint, Name table, const Node *where)
{
    bool is_equal =
        where != NULL && where->node_case == PG_QUERY__NODE__NODE_A_EXPR &&
        where->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP && where->a_expr->lexpr != NULL &&
        where->a_expr->lexpr->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
        where->a_expr->rexpr->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        str_equal(name_of_strings(where->a_expr->name, where->a_expr->n_name, 0).name, "=");
    const Relation *relation = model_relation(lint->model, table);
    for (size_t i = 0; is_equal && relation != NULL && i < relation->index_count; i++) {
        const TableIndex *index = &relation->indexes[i];
        const PgQuery__ColumnRef *column = where->a_expr->lexpr->column_ref;
        if (index->is_unique && index->columns.count == 1 &&
            str_equal(index->columns.items[0],
                      name_of_strings(column->fields, column->n_fields, 0).name)) {
            return true;
        }
    }
    return false;
}

/* All rows of tables, and not a view of the catalog. */
static bool is_reading_all(const LintCase *lint, const PgQuery__SelectStmt *select)
{
    if (select->n_from_clause == 0 || select->limit_count != NULL || select->into_clause != NULL) {
        return false;
    }
    const Node *from = select->from_clause[0];
    if (select->n_from_clause > 1 || from->node_case != PG_QUERY__NODE__NODE_RANGE_VAR) {
        return true;
    }
    Name table = name_of_relation(from->range_var);
    return !str_starts_with(table.name, "pg_") && !str_equal(table.schema, "information_schema") &&
           !is_point(lint, table, select->where_clause);
}

static bool is_searching(const LintCase *lint)
{
    const Node *node = lint->tree.node;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        return is_reading_all(lint, node->select_stmt);
    case PG_QUERY__NODE__NODE_INSERT_STMT:
        return node->insert_stmt->select_stmt != NULL &&
               node->insert_stmt->select_stmt->select_stmt->n_from_clause > 0;
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
        return !is_point(lint, name_of_relation(node->update_stmt->relation),
                         node->update_stmt->where_clause);
    case PG_QUERY__NODE__NODE_DELETE_STMT:
        return !is_point(lint, name_of_relation(node->delete_stmt->relation),
                         node->delete_stmt->where_clause);
    default:
        return false;
    }
}

/* What the statement spends its time with; NULL: it is quick. */
static const Effect *slow_work(const LintCase *lint)
{
    const Effect *scan = case_work(lint, WORK_SCAN);
    return scan == NULL && is_searching(lint) ? case_work(lint, WORK_ROWS) : scan;
}

static void check_held(LintCase *lint)
{
    if (!lint->statement->is_transactional) {
        return;
    }
    HeldLock held = held_before(lint);
    const Effect *slow = held.effect == NULL ? NULL : slow_work(lint);
    if (slow == NULL || lint->script->held_part == lint->statement->part + 1) {
        return;
    }
    lint->script->held_part = lint->statement->part + 1; /* once for each transaction */
    Finding *finding = case_report(
        lint, -1, "%s on %s%s, taken at line %u, is held until this has gone through %s: %s wait",
        lock_mode_name(held.effect->effect.lock),
        held.effect->effect.is_index ? "the table of " : "",
        case_table(lint, held.effect->effect.table), held.statement->line,
        case_table(lint, slow->table), lock_mode_blocks(held.effect->effect.lock));
    case_step(lint, finding, "%s;", held.statement->sql);
    case_step(lint, finding, "%s;", lint->statement->sql);
}

/* Has a statement of the transaction before `until` locked it so that nobody else can write? */
static bool is_locked_before(const LintCase *lint, const CaseStatement *until, Name table)
{
    for (const CaseStatement *one = lint->script->statements; one < until; one++) {
        for (size_t i = 0; one->part == until->part && i < one->effect_count; i++) {
            if (one->effects[i].effect.lock >= STRONG &&
                model_is_same(lint->model, one->effects[i].effect.table, table)) {
                return true;
            }
        }
    }
    return false;
}

/* The first write to the table in this transaction that found it open to other writers. */
static const CaseStatement *open_write(const LintCase *lint, Name table)
{
    for (const CaseStatement *one = lint->script->statements; one < lint->statement; one++) {
        for (size_t i = 0; one->part == lint->statement->part && i < one->effect_count; i++) {
            const CaseEffect *effect = &one->effects[i];
            if (one->writes_rows && effect->is_busy && effect->effect.lock == LOCK_ROW_EXCLUSIVE &&
                model_is_same(lint->model, effect->effect.table, table) &&
                !is_locked_before(lint, one, table)) {
                return one;
            }
        }
    }
    return NULL;
}

static void check_upgrade(LintCase *lint)
{
    for (size_t i = 0; i < lint->statement->effect_count; i++) {
        Effect now = lint->statement->effects[i].effect;
        if (now.lock < STRONG || is_locked_before(lint, lint->statement, now.table)) {
            continue; /* and the first is told of, not the later ones */
        }
        const CaseStatement *write = open_write(lint, now.table);
        if (write != NULL) {
            Finding *finding = case_report(
                lint, -1,
                "line %u has written to %s; to get %s on it now, this waits for every other "
                "writer, and each that wants one of those rows waits for this: a deadlock",
                write->line, case_table(lint, now.table), lock_mode_name(now.lock));
            case_step(lint, finding, "%s;", write->sql);
            case_step(lint, finding, "%s;", lint->statement->sql);
            return;
        }
    }
}

/* ---- several locks ---- */

#define ORDER_MAX 32 /* tables of one transaction that are looked at */

typedef struct LockOrder {
    Name tables[ORDER_MAX];
    const CaseStatement *statements[ORDER_MAX];
    size_t count;
} LockOrder;

static bool has_table(const LintCase *lint, const LockOrder *order, Name table)
{
    for (size_t i = 0; i < order->count; i++) {
        if (model_is_same(lint->model, order->tables[i], table)) {
            return true;
        }
    }
    return false;
}

/* Tables in use that the part which ends here has locked strongly, in the order of doing so. */
static void read_order(const LintCase *lint, LockOrder *ret_order)
{
    *ret_order = (LockOrder){ 0 };
    for (const CaseStatement *one = lint->script->statements; one <= lint->statement; one++) {
        for (size_t i = 0; one->part == lint->statement->part && i < one->effect_count; i++) {
            if (is_strong(&one->effects[i]) && ret_order->count < ORDER_MAX &&
                !has_table(lint, ret_order, one->effects[i].effect.table)) {
                ret_order->tables[ret_order->count] = one->effects[i].effect.table;
                ret_order->statements[ret_order->count++] = one;
            }
        }
    }
}

static const char *order_key(const LintCase *lint, Name first, Name second)
{
    return arena_printf(lint->arena, "%s\n%s", case_table(lint, first), case_table(lint, second));
}

/* The finding stands at the statement that takes the second lock. */
static Finding *report_at(LintCase *lint, const CaseStatement *statement, const char *why)
{
    const CaseStatement *last = lint->statement;
    lint->statement = statement;
    Finding *finding = case_report(lint, -1, "%s", why);
    lint->statement = last;
    return finding;
}

/* One statement of one object, as a foreign key with its two ends: that cannot be parted. */
static bool is_one_whole(const LockOrder *order)
{
    AUTO(Arena) arena = { 0 };
    Tree tree = { 0 };
    const CaseStatement *first = order->statements[0];
    if (first != order->statements[order->count - 1]) {
        return false;
    }
    tree_parse(first->sql, &arena, &tree);
    switch (tree.node == NULL ? 0 : tree.node->node_case) {
    case PG_QUERY__NODE__NODE_DROP_STMT:
        return tree.node->drop_stmt->n_objects == 1 &&
               tree.node->drop_stmt->behavior != PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
        return tree.node->alter_table_stmt->n_cmds == 1;
    default:
        return false;
    }
}

static void check_several(LintCase *lint)
{
    LockOrder order;
    read_order(lint, &order);
    bool is_told = lint->script->held_part == lint->statement->part + 1; /* by lock-held */
    if (!lint->statement->is_transactional || order.count < 2 || is_told || is_one_whole(&order)) {
        return;
    }
    const char *why = arena_printf(
        lint->arena,
        "%s is locked since line %u, and now %s%s: a program that uses them in the other order "
        "deadlocks with this",
        case_table(lint, order.tables[0]), order.statements[0]->line,
        case_table(lint, order.tables[1]), order.count > 2 ? " and others" : "");
    report_at(lint, order.statements[1], why);
}

static void remember_order(LintCase *lint, const LockOrder *order)
{
    const char *id = lint->set->migrations[lint->migration].id;
    for (size_t second = 1; second < order->count; second++) {
        for (size_t first = 0; first < second; first++) {
            const char *key = order_key(lint, order->tables[first], order->tables[second]);
            if (map_get(lint->run->lock_orders, key) == NULL) {
                map_put(lint->run->lock_orders, key, (void *)id);
            }
        }
    }
}

static void check_order(LintCase *lint)
{
    LockOrder order;
    read_order(lint, &order);
    if (!lint->statement->is_transactional) {
        return;
    }
    for (size_t second = 1; second < order.count; second++) {
        for (size_t first = 0; first < second; first++) {
            const char *other = map_get(lint->run->lock_orders,
                                        order_key(lint, order.tables[second], order.tables[first]));
            if (other != NULL) {
                report_at(lint, order.statements[second],
                          arena_printf(lint->arena,
                                       "locks %s before %s; %s locks them the other way round",
                                       case_table(lint, order.tables[first]),
                                       case_table(lint, order.tables[second]), other));
                remember_order(lint, &order);
                return;
            }
        }
    }
    remember_order(lint, &order);
}

/* ---- what runs in no transaction ---- */

/* Is the word before `at` this one? Blanks between them do not count. */
static bool follows(const char *text, const char *at, const char *word)
{
    size_t length = strlen(word);
    while (at > text && strchr(" \t\r\n", at[-1]) != NULL) {
        at--;
    }
    return (size_t)(at - text) >= length && strncasecmp(at - length, word, length) == 0;
}

/* INDEX CONCURRENTLY, REINDEX TABLE CONCURRENTLY: not in prose, and not of a materialized view. */
static bool visit_body(const ProtobufCMessage *message, void *context)
{
    bool *is_found = context;
    if (message->descriptor != &pg_query__string__descriptor) {
        return true;
    }
    const char *text = ((const PgQuery__String *)message)->sval;
    const char *at = text;
    while (!*is_found && (at = strcasestr(at, "concurrently")) != NULL) {
        *is_found = follows(text, at, "index") || follows(text, at, "table");
        at++;
    }
    return !*is_found;
}

static void check_concurrently(LintCase *lint)
{
    bool is_found = false;
    tree_walk(&lint->tree.node->base, visit_body, &is_found);
    if (is_found) {
        case_report(
            lint, -1,
            "a DO block is a transaction of its own: what is CONCURRENTLY in it fails with 25001");
    }
}

static void check_recoverable(LintCase *lint)
{
    if (!lint->statement->is_transactional && lint->statement->probe == PROBE_NONE) {
        case_report(lint, -1,
                    "%s runs outside of a transaction, and nothing in the catalog shows whether "
                    "it has ended: interrupted, the target is held until a person has looked",
                    lint->statement->kind);
    }
}

/* ---- timeouts ---- */

static bool is_off(const PgQuery__VariableSetStmt *set)
{
    if (set->kind != PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE || set->n_args != 1 ||
        set->args[0]->node_case != PG_QUERY__NODE__NODE_A_CONST) {
        return false;
    }
    const PgQuery__AConst *value = set->args[0]->a_const;
    switch (value->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        return value->ival->ival == 0;
    case PG_QUERY__A__CONST__VAL_SVAL:
        return strspn(value->sval->sval, "0") > 0 &&
               strspn(value->sval->sval, "0mins ") == strlen(value->sval->sval);
    default:
        return false;
    }
}

static bool is_strong_later(const LintCase *lint)
{
    const CaseScript *script = lint->script;
    AUTO_PTR(Model) model = model_fork(lint->model);
    for (const CaseStatement *later = lint->statement + 1;
         later < script->statements + script->count && later->part == lint->statement->part;
         later++) {
        AUTO(Arena) arena = { 0 };
        Tree tree = { 0 };
        Effects effects = { 0 };
        tree_parse(later->sql, &arena, &tree);
        if (tree.node == NULL) {
            continue;
        }
        effects_of(tree.node, model, &arena, &effects);
        for (size_t i = 0; i < effects.count; i++) {
            bool is_new = model_is_new(model, model_relation(model, effects.items[i].table));
            if (effects.items[i].lock >= STRONG && !is_new) {
                return true;
            }
        }
        model_apply(model, tree.node);
    }
    return false;
}

static void check_timeout(LintCase *lint)
{
    const PgQuery__VariableSetStmt *set = lint->tree.node->variable_set_stmt;
    if (strcasecmp(set->name, "lock_timeout") != 0 || !is_off(set) || !is_strong_later(lint)) {
        return;
    }
    Finding *finding =
        case_report(lint, -1,
                    "statements from here on wait for their locks without an end, and everybody "
                    "who comes later waits behind them");
    case_step(lint, finding, "-- skein: lock-timeout=10s\n%s;", lint->statement[1].sql);
}

static const LintRule RULES[] = {
    {
        .id = "lock-held",
        .severity = SEVERITY_WARNING,
        .title = "a strong lock is held over slow work",
        .explain = "Locks are held to the end of the transaction. A change of the catalog takes "
                   "milliseconds; what comes after it in the same transaction (a backfill, an "
                   "index, the check of a constraint) may take minutes, and all that time nobody "
                   "gets at the table.",
        .remedy = "Two migrations: each is a transaction of its own.",
        .moment = RULE_STATEMENT,
        .check = check_held,
        .fires = { "ALTER TABLE orders ADD COLUMN channel text;\n"
                   "UPDATE orders SET channel = 'web' WHERE channel IS NULL;",
                   NULL },
        .silent = { "ALTER TABLE orders ADD COLUMN channel text;\n"
                    "INSERT INTO users (id, name) VALUES (1, 'nobody');",
                    NULL },
    },
    {
        .id = "lock-upgrade",
        .severity = SEVERITY_WARNING,
        .title = "a table is written to, then locked",
        .explain = "The transaction holds rows, and asks for the whole table. A session that also "
                   "holds rows of it and wants one of these waits for the transaction, which "
                   "waits for the session. With deferred constraints or triggers ALTER TABLE is "
                   "refused outright (55006).",
        .remedy = "Lock first, or part it into two migrations.",
        .moment = RULE_STATEMENT,
        .check = check_upgrade,
        .fires = { "UPDATE orders SET note = '' WHERE note IS NULL AND id < 1000;\n"
                   "ALTER TABLE orders ADD COLUMN channel text;",
                   NULL },
        .silent = { "UPDATE users SET code = '' WHERE id = 7;\n"
                    "ALTER TABLE orders ADD COLUMN channel text;",
                    NULL },
    },
    {
        .id = "locks-several",
        .severity = SEVERITY_NOTICE,
        .title = "several tables are locked in one transaction",
        .explain =
            "While it waits for the second table, it holds the first: whoever comes to "
            "that waits, too, and a program that uses both in the other order deadlocks "
            "with it. A foreign key locks both its ends, which one statement does at once and no "
            "migration can part: that is not told of.",
        .remedy = "One table in each migration, where that can be. skein gives up after "
                  "lock_timeout and tries the whole transaction again.",
        .moment = RULE_PART,
        .check = check_several,
        .fires = { "ALTER TABLE users ADD COLUMN a text;\nALTER TABLE orders ADD COLUMN b text;",
                   NULL },
        .silent = { "ALTER TABLE users ADD COLUMN a text;\nALTER TABLE users ADD COLUMN b text;",
                    NULL },
    },
    {
        .id = "lock-order",
        .severity = SEVERITY_NOTICE,
        .title = "tables are locked in another order than by an earlier migration",
        .explain = "Two tenants of one database, or two rollouts over tables that they share, may "
                   "run the two migrations at one time: each holds what the other waits for.",
        .remedy = "Lock tables in the same order everywhere.",
        .is_up_only = true,
        .moment = RULE_PART,
        .check = check_order,
        .fires = { "ALTER TABLE orders ADD COLUMN a text;\nALTER TABLE users ADD COLUMN b text;",
                   NULL },
        .silent = { "ALTER TABLE users ADD COLUMN a text;\nALTER TABLE orders ADD COLUMN b text;",
                    NULL },
    },
    {
        .id = "concurrently-inside",
        .severity = SEVERITY_ERROR,
        .title = "CONCURRENTLY inside a transaction",
        .explain =
            "PostgreSQL refuses it with 25001. skein cuts a migration around statements that "
            "cannot run in a transaction, or refuses it where its format begins one; a DO block "
            "cannot be cut.",
        .remedy = "Write the statement by itself.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_DO_STMT),
        .check = check_concurrently,
        .fires = { "DO $$ BEGIN EXECUTE 'CREATE INDEX CONCURRENTLY i ON orders (note)'; END $$;",
                   NULL },
        .silent = { "DO $$ BEGIN REFRESH MATERIALIZED VIEW CONCURRENTLY order_totals; END $$;",
                    NULL },
    },
    {
        .id = "not-recoverable",
        .severity = SEVERITY_NOTICE,
        .title = "a statement that nobody can tell the end of",
        .explain =
            "What runs outside of a transaction is written down before and looked up after. Of "
            "most such statements the catalog tells whether they are done and what a broken one "
            "has left, and others, as VACUUM, do no harm when they run once more. Of a procedure "
            "that commits by itself nothing tells how far it came.",
        .remedy = "Let the procedure do its work in small steps that may be repeated, from a job "
                  "rather than from a migration. What can run in a transaction should.",
        .moment = RULE_TEXT,
        .check = check_recoverable,
        .fires = { "ALTER SUBSCRIPTION orders_in ADD PUBLICATION more;", NULL },
        .silent = { "CREATE INDEX CONCURRENTLY orders_note_idx ON orders (note);", NULL },
    },
    {
        .id = "lock-timeout-off",
        .severity = SEVERITY_WARNING,
        .title = "a migration turns its lock timeout off",
        .explain = "skein gives every transaction a lock_timeout, tries again when it strikes, "
                   "and so lets others through. SET lock_timeout = 0 undoes that for what comes "
                   "after it in the file. pg_dump writes it at the top of every dump.",
        .remedy = "Leave it out; a longer one is said by a directive, -- skein: lock-timeout=10s.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_VARIABLE_SET_STMT),
        .check = check_timeout,
        .fires = { "SET lock_timeout = 0;\nALTER TABLE orders ADD COLUMN channel text;", NULL },
        .silent = { "SET lock_timeout = '5s';\nALTER TABLE orders ADD COLUMN channel text;", NULL },
    },
};

LINT_FAMILY(LINT_TRANSACTIONS, "Transactions", RULES);
