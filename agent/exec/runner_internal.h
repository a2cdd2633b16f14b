/* What the files of the runner share: its state, and the performers of the single actions. */
#ifndef SKEIN_AGENT_EXEC_RUNNER_INTERNAL_H
#define SKEIN_AGENT_EXEC_RUNNER_INTERNAL_H

#include "agent/conn/query.h"
#include "agent/core/accord.h"
#include "agent/exec/runner.h"
#include "agent/exec/tool_sight.h"
#include "common/arena.h"
#include "common/map.h"
#include "common/str.h"

/* A setting of ours; a list is one of names, quoted where they need it. */
typedef struct Setting {
    const char *name;
    const char *value;
    bool is_list;
} Setting;

/* Statements of skein's own that a session runs again for each migration: the server keeps them. */
typedef enum Kept {
    KEPT_SETTINGS = 0,
    KEPT_FENCE_PASS,
    KEPT_SCHEMA_STANDS,
    KEPT_HISTORY_INSERT,
    KEPT_HISTORY_MOVE_UP,
    KEPT_HISTORY_MOVE_DOWN,
    KEPT_LOCKS_CLEAR,
    KEPT_LITTER_LOOK,
    KEPT_COUNT_,
} Kept;

/* Whoever held the target's lock, when it was an older attempt of ours. */
typedef struct Holder {
    int pid; /* 0: nobody */
    const char *name;
    const char *start; /* of its backend; NULL: the server does not tell this role */
} Holder;

/* The session of the attempt: one connection, from CONNECT to CLOSE. */
typedef struct Session {
    Conn *conn;  /* NULL: none */
    Arena arena; /* of the texts */
    int backend_pid;
    const char *backend_start; /* as PostgreSQL reads it, whatever the DateStyle; NULL: not told */
    const char *system_identifier;
    const char *database_oid;
    const char *role_oid;       /* that it has logged in as */
    const char *login_settings; /* what ALTER ROLE and ALTER DATABASE … SET had given such a session
                                   before its first step; NULL: not asked yet */
    bool is_outdated;           /* a migration has changed that since */
    Setting *settings;          /* ours for the whole session */
    size_t setting_count;
    const char *settings_select; /* makes them all, as one statement */
    const char
        *durable;    /* a statement: COMMIT waits until it is on disk, whatever was set before */
    bool has_tables; /* skein's own, as far as is known */
    bool has_fence;  /* the target's, and it is regular; as far as is known */
    uint32_t deadlock_timeout_ms;
    uint64_t writes; /* rows of history that were written when it was read, and by us since */
    Holder holder;
    bool is_dirty;             /* settings were made since ours: they may be anything */
    bool is_other_role;        /* it may be */
    bool has_connection_check; /* the server looks whether its client is still there */
    bool is_littered; /* statements of a migration ran in it, and nothing has cleared up behind them
                       */
    const PlanScript *litter_of; /* whose they were; NULL: nobody's */
    bool may_have_prepared;      /* statements of its own */
    bool is_kept[KEPT_COUNT_];
    bool forgets; /* a migration threw away what the server kept: nothing is left to it any more */
} Session;

struct Runner {
    RunnerConfig config;
    Session session;
    ConnPool *watch;
    LockWatch *locks;
    Blocker vain; /* what a step was waiting for in vain, and does not begin while it is there */
    Identity met; /* what its first connection led to; system_identifier 0: nothing yet */
    Fence fence;  /* the order's, or what was taken for the command line; token 0: not taken yet */
    const char *schema_identifier; /* quoted; NULL: a whole database */
    const char *become;            /* "SET ROLE …", as whom migrations run; NULL: as the login */
    Arena life;                    /* of the runner */
    Arena arena;                   /* of one action and its result */
    History history;
    Tie tie;       /* as the history says it */
    bool is_tied;  /* shared, as it was read last, with a tool that is told of nothing */
    size_t behind; /* of what skein has applied, that tool does not know so many */
    const char
        *tie_name; /* its name, and what a command adds for its table; of the runner's life */
    const char *tie_table;
    bool has_told_strange;
    char application_name[APPLICATION_NAME_MAX];
    struct Paper
        *paper; /* what would be sent is written there instead (paper.h); NULL: it is sent */
};

/* Performers: one per kind of action (runner.c has the table). */
Result perform_connect(Runner *runner, const Action *action);
Result perform_lock(Runner *runner, const Action *action);
Result perform_end_backend(Runner *runner, const Action *action);
Result perform_prepare(Runner *runner, const Action *action);
Result perform_read(Runner *runner, const Action *action);
Result perform_transaction(Runner *runner, const Action *action); /* APPLY, UNDO */
Result perform_note(Runner *runner, const Action *action);        /* NOTE_* */
Result perform_run(Runner *runner, const Action *action);
Result perform_probe(Runner *runner, const Action *action);
Result perform_trace(Runner *runner, const Action *action);
Result perform_mend(Runner *runner, const Action *action);
Result perform_wait(Runner *runner, const Action *action);
Result perform_close(Runner *runner, const Action *action);

/* Opens the runner's session, which has none: examined and set, without the lock. Nothing is left
 * after an error. */
ErrCode session_open(Runner *runner, const Action *action, ConnPurpose purpose, Err *err);

/* Another session has what was this one's lock. */
void session_lock_gone(Err *err);

/* A result from an error of the connection manager, for actions that change
 * nothing of the target. */
Result result_of_error(const Err *err);

Interrupt runner_interrupt(const Runner *runner);
uint64_t action_deadline_ms(const Action *action); /* 0 means none */

const char *identifier_quote(Arena *arena, const char *name);
const char *literal_quote(Arena *arena, const char *text);

/* What our settings depend on, as a new session has it. */
typedef struct SettingsFacts {
    const char *server; /* version() */
    const char *role;
    const char *search_path;
    const char *durability; /* synchronous_commit */
} SettingsFacts;

/* Fills in the session's settings. */
void settings_make(Runner *runner, const SettingsFacts *facts);
void settings_append(Session *session, Str *sql);

/* The statement that makes one of them. In the session's arena. */
const char *setting_statement(Session *session, const Setting *setting);

/* The same, after whatever was set, and as whomever. */
void settings_reset_text(Session *session, Str *sql);

/* Finds skein's own tables, and makes them or brings them to this program's version where they are
 * not of it: in a transaction of its own. Not within one. */
ErrCode own_tables_settle(Runner *runner, const Action *action, Err *err);

/* On paper: appends the statements that would do it, if there are any. The version that is there;
 * 0: none. */
ErrCode own_tables_write(Runner *runner, const Action *action, Str *out, uint32_t *ret_version,
                         Err *err);

/* Why that was not possible: the migrations have nothing to do with it. */
Result own_tables_refusal(const Err *err);

/* A query on the session's connection within the action's deadline, not interruptible. */
ErrCode session_query(Runner *runner, const char *sql, const char *const *params,
                      size_t param_count, const Action *action, PGresult **ret_result, Err *err);

#define WATCH_QUERY_MS 500 /* looking must not hold up what is looked at */

/* One over a watching connection, taken and given back. At most
 * `allowed_ms`. */
ErrCode watch_query(Runner *runner, const char *sql, const char *const *params, size_t param_count,
                    uint32_t allowed_ms, PGresult **ret_result, Err *err);

/* Who holds the target's lock: pid, application name, role. No row: nobody. */
ErrCode session_holder(Runner *runner, const Action *action, PGresult **ret_holder, Err *err);

/*
 * Does the session's holder still run a statement of a migration outside a transaction? Then tells
 * how far it is (RunnerConfig.progress), and which migration's it is: "" otherwise. Texts in the
 * runner's arena.
 */
ErrCode holder_work(Runner *runner, const Action *action, const char **ret_migration, Err *err);

#define LOCK_KEY_MAX 24

/* The key of the target's lock, as text. */
void session_lock_key(const Runner *runner, char ret_key[LOCK_KEY_MAX]);

/* Session-wide settings for what runs outside transactions, the target's search_path among them:
 * ours alone; and with what the script has set up to there. */
ErrCode solo_reset(Runner *runner, const Action *action, Err *err);
ErrCode solo_settings(Runner *runner, const Action *action, Err *err);

/* Brings skein.history's standing rows into the shape the job wants. In the runner's arena. */
void history_fill(Runner *runner, const PGresult *rows, uint32_t timeline);

/*
 * Asks where the first changed migration differs from what was applied. One query, and only where
 * there is one; when it fails nobody knows more than that it changed.
 */
void history_fill_change(Runner *runner, const Action *action);

/* The plan's migrations by id, each as its index + 1. The caller's. */
Map *history_plan_index(const Plan *plan);

/* Reads the answer to PlanTool.query. Texts in `arena`. */
void tool_read(const Plan *plan, const PGresult *rows, Arena *arena, ToolSight *ret_sight);

/* Adds what the other tool has applied; NULL: the plan does not adopt. */
void tool_fill(Runner *runner, const PGresult *rows);

/* The statement that has a table of the tool's, named without a schema, found where it lies
 * (PlanTool) for the rest of the transaction; NULL: the session's search_path finds it. In the
 * runner's arena. */
const char *tool_path(Runner *runner, const PlanTool *tool);

/* A query under such a statement, or NULL, in a transaction of its own that only reads. */
ErrCode tool_query(Runner *runner, const PlanTool *tool, const char *sql, const Action *action,
                   PGresult **ret_rows, Err *err);

ErrCode path_query(Runner *runner, const char *path, const char *sql, const Action *action,
                   PGresult **ret_rows, Err *err);

/* What a row of history keeps of the plan's tool, as JSON; NULL: the plan has none. `is_told`: that
 * has it, too. */
const char *tie_evidence(Runner *runner, bool is_told);

/* The first three of TIE_COLUMNS, which begin at `column`. Texts in `arena`. */
Tie tie_read(const PGresult *rows, int row, int column, Arena *arena);

/*
 * What the tool says that a history is shared with: `tie`, by its rows. Where nothing stands in it,
 * it is the directory's own tool that is asked. Only a server that is in trouble is an error. Texts
 * in `arena`.
 */
ErrCode tie_see(Runner *runner, Tie *tie, bool has_standing, const Action *action, Arena *arena,
                TieSight *ret_sight, Err *err);

/*
 * Has the tool that the history is shared with gone on or back by itself, where the plan has
 * nothing to do with it? Fills in what History says of the tie; ends it where the plan does
 * (Plan.ends_ties). Asks nothing where the history is skein's alone. Of the plan's own tool, what
 * it and the history both have is written down as had.
 */
ErrCode tie_look(Runner *runner, const Action *action, Err *err);

/* A migration has come to `state` in the history. */
void tie_step(Runner *runner, const char *state);

/* The attempt is over: tells (RunnerConfig.note) of what the tie was not told. */
void tie_conclude(Runner *runner);

/*
 * Is the plan's table, which has answered, one that the tool makes? ERR_HISTORY: by its columns it
 * is another tool's, which is said. Not asked of a table that the history is shared by; where it
 * cannot be asked it is taken to be.
 */
ErrCode tool_check(Runner *runner, const PlanTool *tool, const Action *action, Err *err);

/* Is it the table that the history is shared by? What was taken over before tables were kept has
 * the tool's usual one. */
bool tie_is_of(Tie *tie, const PlanTool *tool);

/* An error of the question to the tool, where that is for want of its table: which one,
 * where it was looked for, and which ones are there. Other errors stay as they are. Asks the
 * server. */
void tool_explain(Runner *runner, const PlanTool *tool, const Action *action, Err *err);

#endif
