/* Every command of skein, on one page. */
#include "cli/commands.h"

#include "common/cleanup.h"

#define OPTION(variable, option_name, argument_name, option_type, member, text)                    \
    static const Option variable = { option_name, argument_name, option_type,                      \
                                     offsetof(Options, member), text }

OPTION(DATABASE, "database", "URL", OPTION_CONNECTION, database,
       "the database: a libpq URL or keywords (SKEIN_DATABASE_URL)");
OPTION(SCHEMA, "schema", "NAME", OPTION_SCHEMA, schema, "one schema of it, as a tenant of its own");
OPTION(SHARED_SCHEMAS, "shared-schemas", "NAME,…", OPTION_TEXT, shared_schemas,
       "what follows the schema in search_path (default: nothing)");
OPTION(ROLE, "role", "NAME", OPTION_TEXT, role,
       "the role that migrations run as, and that owns what they make");
OPTION(MIGRATIONS, "migrations", "DIR", OPTION_TEXT, migrations,
       "the history (default ./migrations)");
OPTION(FORMAT, "format", "NAME", OPTION_TEXT, format, "its format (default: detected)");
OPTION(SET, "set", "NAME=VALUE", OPTION_VARIABLE, set,
       "a value for the history's templates; may be given several times");
OPTION(UP_TO, "to", "VERSION", OPTION_TEXT, to,
       "stop after this migration: a version, an id, or `head` (default)");
OPTION(DOWN_TO, "to", "VERSION", OPTION_TEXT, to,
       "undo all above this migration: a version, an id, or `empty`");
OPTION(LOCK_TIMEOUT, "lock-timeout", "TIME", OPTION_TEXT, lock_timeout,
       "how long a statement may wait for a lock (default 2s)");
OPTION(WATCHDOG, "watchdog", "N/TIME", OPTION_TEXT, watchdog,
       "end it while more than N sessions wait because of it for TIME (default 5/1s), or off");
OPTION(COORDINATOR, "coordinator", "ADDRESS", OPTION_TEXT, coordinator,
       "unix:PATH or https://… (SKEIN_COORDINATOR; default unix:/run/skein/coordinator.sock)");
OPTION(TOKEN_FILE, "token-file", "FILE", OPTION_TEXT, token_file,
       "holds the token for http:// and https:// (or SKEIN_TOKEN; no one else may read it)");
OPTION(CA_FILE, "ca-file", "FILE", OPTION_TEXT, ca_file,
       "whom to believe who an https:// coordinator is (SKEIN_CA_FILE; default: the system's)");
OPTION(TOKEN_ROLES, "role", "ROLE,…", OPTION_TEXT, roles, "viewer, operator, approver, admin");
OPTION(FOR, "for", "PERSON", OPTION_TEXT, person, "on whose behalf it acts");
OPTION(EXPIRES, "expires", "TIME", OPTION_TEXT, expires,
       "how long it lets in: 12h, 90d; at most 366d");
OPTION(TOOL, "from", "TOOL", OPTION_TEXT, tool,
       "whose history (default: the tool of the directory's format)");
OPTION(ADOPT_TO, "to", "VERSION", OPTION_TEXT, to,
       "nothing above this migration: a version, an id, or `empty`");
OPTION(TABLE, "table", "NAME", OPTION_TEXT, table, "where that tool keeps its history");
OPTION(MIRROR, "mirror", "TOOL", OPTION_TEXT, mirror,
       "tell this tool's table too, in the same transaction; none: have done with it");
OPTION(OUT_OF_ORDER, "out-of-order", "RULE", OPTION_TEXT, out_of_order,
       "absent below an applied one: refuse (default), apply or ignore");
OPTION(MISSING, "missing", "RULE", OPTION_TEXT, missing,
       "applied, and not in the directory: refuse (default) or ignore");
OPTION(CHANGED, "changed", "RULE", OPTION_TEXT, changed,
       "that the tool applied as another file: refuse (default) or ignore");
OPTION(OUT, "out", "FILE", OPTION_TEXT, out, "where to write");
OPTION(SIGNER, "signer", "FILE", OPTION_TEXT, signer,
       "the key that signs (SKEIN_SIGNER; default ~/.config/skein/signer.key)");
OPTION(APPLY_UNTIL, "apply-until", "TIME", OPTION_TEXT, apply_until,
       "the end of applying it: 2026-12-01T18:00Z; 8h, 3d from now; never (default: 7d)");
OPTION(ROLLBACK_UNTIL, "rollback-until", "TIME", OPTION_TEXT, rollback_until,
       "nor rolled back after this; both as the agents' clocks have it");
OPTION(WHERE, "where", "EXPR", OPTION_TEXT, where,
       "only these: labels.env = 'prod' and database like 'tenant_%'");
OPTION(REASON, "reason", "TEXT", OPTION_WORDS, reason, "your words, for the record");
OPTION(AGENT_NAME, "name", "NAME", OPTION_TEXT, name,
       "what it is to be called (default: as it would like, where it may say so)");
OPTION(REPLACE, "replace", NULL, OPTION_FLAG, is_replace,
       "it is the new key of the agent of that name: the old one is refused");
OPTION(INVITE_REPLACE, "replace", NULL, OPTION_FLAG, is_replace,
       "the agent of that name gets a new key: the old one is refused when it comes");
OPTION(INVITE_REVOKE, "revoke", NULL, OPTION_FLAG, is_revoke, "take the invitation back");
OPTION(INVITE_EXPIRES, "expires", "TIME", OPTION_TEXT, expires,
       "how long it is good for: 15m, 12h, 7d (default 1h, at most 30d)");
OPTION(PLAN, "plan", "FILE", OPTION_TEXT, plan,
       "bring its plan first: the rollout file, or what `skein plan --out` wrote");
OPTION(WAVE, "wave", "NAME", OPTION_TEXT, wave, "this wave");
OPTION(STATE, "state", "STATE", OPTION_TEXT, state, "only in this state");
OPTION(YES, "yes", NULL, OPTION_FLAG, is_yes, "do not ask");
OPTION(WATCH, "watch", NULL, OPTION_FLAG, is_watch,
       "follow it to its end, as `skein rollout watch` does");
OPTION(FAILED, "failed", NULL, OPTION_FLAG, is_failed, "every target that failed");
OPTION(OPEN, "open", NULL, OPTION_FLAG, is_open, "only those that are under way");
OPTION(LIMIT, "limit", "N", OPTION_COUNT, limit, "at most so many (default: all)");
OPTION(LINT_FROM, "from", "VERSION", OPTION_TEXT, from,
       "findings of this migration and those above it only");
OPTION(FAIL_ON, "fail-on", "SEVERITY", OPTION_TEXT, fail_on,
       "exit with 1 from error, warning (default) or notice on; or never");
OPTION(CONFIG, "config", "FILE", OPTION_TEXT, config,
       "default: skein-lint.yaml in the directory or beside it");
OPTION(REPORT, "report", "KIND", OPTION_TEXT, report, "text (default), sarif or github");
OPTION(RULES, "rules", NULL, OPTION_FLAG, is_rules, "list the rules, and nothing else");
OPTION(EXPLAIN, "explain", "RULE", OPTION_TEXT, explain, "say more of one rule, and nothing else");
OPTION(AFTER, "after", "SEQ", OPTION_SEQUENCE, after, "only those after this number");

OPTION(OF_ROLLOUT, "rollout", "ID", OPTION_TEXT, rollout, "only what was ordered of it");
OPTION(ACTOR, "actor", "WHO", OPTION_TEXT, actor, "only what this user or person ordered: ann");
OPTION(SINCE, "since", "TIME", OPTION_TEXT, since,
       "not what is older: 12h, 7d, 2026-03-01 or 2026-03-01T12:00:00Z");
OPTION(ANCHOR, "anchor", "SEQ:HASH", OPTION_TEXT, anchor,
       "what an earlier verify has printed: that row must be there, unchanged");

OPTION(TEST_SERVER, "database", "URL", OPTION_CONNECTION, database,
       "any database of the server to test on (SKEIN_DATABASE_URL)");
OPTION(FROM, "from", "VERSION", OPTION_TEXT, from, "try only this migration and those above it");
OPTION(SEED, "seed", "FILE", OPTION_TEXT, seed, "SQL that puts rows in first, as far as they fit");
OPTION(TEST_SCHEMA, "schema", "NAME", OPTION_SCHEMA, schema,
       "the history is a tenant's: test it in a schema of this name, beside a second one");
OPTION(PREPARE, "prepare", "FILE", OPTION_TEXT, prepare,
       "SQL that makes what is there before the first migration");
OPTION(TEST_TIMEOUT, "timeout", "TIME", OPTION_TEXT, timeout,
       "how long a migration may take each time it is run (default 30m)");
OPTION(JOBS, "jobs", "N", OPTION_COUNT, jobs, "scratch databases at once (default 4, at most 32)");
OPTION(STRICT, "strict", NULL, OPTION_FLAG, is_strict,
       "cosmetic differences and lost rows count, too");
OPTION(JUNIT, "junit", "FILE", OPTION_TEXT, junit, "write a JUnit report there");
OPTION(OWN_SERVER, "own-server", NULL, OPTION_FLAG, is_own_server,
       "the server is there for this test alone: it may be changed, too");

OPTION(
    DRY_RUN, "dry-run", NULL, OPTION_FLAG, is_dry_run,
    "show what would be sent, in order (of a COPY's rows 16 KiB, or the first lines); run and change nothing");
OPTION(SQL, "sql", NULL, OPTION_FLAG, is_sql,
       "write the script that does it by psql, skein's own rows with it; run nothing");
OPTION(SQL_OUT, "out", "FILE", OPTION_TEXT, out, "where --sql writes (default: standard output)");

OPTION(ACCEPT, "accept", NULL, OPTION_FLAG, is_accept, "its file as it is now is what was applied");
OPTION(RENAME, "rename", NULL, OPTION_FLAG, is_rename, "its file has another name now");
OPTION(FORGET, "forget", NULL, OPTION_FLAG, is_forget, "it counts no more; what it made stays");
OPTION(SETTLE, "settle", NULL, OPTION_FLAG, is_settle,
       "as the catalog shows it; an INVALID index that it left is dropped");
OPTION(DONE, "done", NULL, OPTION_FLAG, is_done, "all of its interrupted statement is there");
OPTION(AGAIN, "again", NULL, OPTION_FLAG, is_again,
       "nothing of its interrupted statement is there");
OPTION(APPLIED, "applied", NULL, OPTION_FLAG, is_applied, "all of it is there");
OPTION(UNDONE, "undone", NULL, OPTION_FLAG, is_undone, "nothing of it is left");
OPTION(SAME_SCHEMA, "same-schema", NULL, OPTION_FLAG, is_same_schema,
       "the schema is as the history says");
OPTION(NEW_SCHEMA, "new-schema", NULL, OPTION_FLAG, is_new_schema,
       "nothing of the history is in the schema");
OPTION(TELL, "tell", NULL, OPTION_FLAG, is_tell,
       "with --mirror: that tool's table gets what it does not have");

/* Of every command that asks a coordinator. */
#define REMOTE &COORDINATOR, &TOKEN_FILE, &CA_FILE

#define OPTIONS(...)                                                                               \
    (const Option *const[])                                                                        \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static const char LOCAL[] = "one database";
static const char PLANS[] = "plans and keys";
static const char ROLLOUTS[] = "rollouts";
static const char FLEET[] = "fleet";
static const char TRUST[] = "trust";

static const char ID_DETAILS[] = "ID may be left out when exactly one rollout is open.";

static const char NEW_DETAILS[] =
    "In the directory's own format, with the next version. NAME says what it changes, in up to 100 ASCII letters\n"
    "and digits; they are written in lower case, and whatever stands between them, a slash as well, becomes \"_\".";

static const char UP_DETAILS[] = "Applies what is missing, in order, each migration in one "
                                 "transaction together with its row in\n"
                                 "skein.history. What fails leaves nothing behind. Runs the same "
                                 "code as the agents. Ctrl-C cancels\n"
                                 "the migration that runs, whole; the ones before it stay applied.";

static const char DOWN_DETAILS[] =
    "Undoes the newest migration: the last one of the directory that is applied, in whatever order they\n"
    "were. With --to, every one above VERSION; with --to empty, all. Shows what it will undo and asks, unless\n"
    "--yes. Where one that the directory does not have was applied above any of these, nothing is undone,\n"
    "unless --missing ignore leaves it as it is.";

static const char ADOPT_DETAILS[] =
    "Reads which migrations another tool has applied, and writes them into skein.history. TOOL is\n"
    "golang-migrate, flyway, dbmate, rails, goose, diesel, prisma, sqitch, alembic, node-pg-migrate,\n"
    "graphile-migrate or atlas. Refuses what that tool has not brought to an end; what the directory does\n"
    "not have, unless --missing ignore passes that over; and what the tool's own checksum says was another\n"
    "file, unless --changed ignore takes the file as it is for what was applied. Over a fleet: `adopt:` in a\n"
    "rollout file. With --to, nothing above VERSION: rows above it that were taken over, or that the tool was\n"
    "told of, count no more, whatever it says (for what it has undone itself); where there are none, what it\n"
    "has up to VERSION is taken over.";

static const char BASELINE_DETAILS[] =
    "For a database that has them from elsewhere: a dump, another tool's end. VERSION is a version,\n"
    "an id, `head` or `empty`. Where a baseline stands above VERSION, it was a mistake: its rows above are\n"
    "given back, after asking, unless --yes, and up runs them. Only a baseline's own rows go back so.";

static const char REPAIR_DETAILS[] =
    "Without an option: what is wrong with skein's history here, in which row, and for each what may be\n"
    "done, with the command to type; changes nothing. With one, of the migrations named: shows what it would\n"
    "do and asks, unless --yes. One choice at a time, and only one that was offered. Each change is made\n"
    "behind the fence, as an attempt's, and kept in the row with who made it, when and why. Nothing of a\n"
    "migration runs. Exit code of the explaining: 6 when something keeps up or down from going on. It is\n"
    "about one database, or one schema of it: of a fleet, `skein rollout show` has the command for each target\n"
    "that is held. See docs/repair.md.";

static const char STATUS_DETAILS[] =
    "states: applied, pending; changed: its file is not what was applied; missing: applied, but "
    "not in the\n"
    "directory; half applied, half undone: some of its parts are done; interrupted: a statement\n"
    "outside a transaction was begun, and its end is not known.";

static const char CURRENT_DETAILS[] =
    "Where migrations came out of order, that need not be the newest one: `skein down` takes the newest,\n"
    "the last applied one in the order of the directory.";

static const char TEST_DETAILS[] =
    "Is every down the inverse of its up? On scratch databases, made on that server and dropped again,\n"
    "each migration is run up, down and up by the agents' executor: alone, on what the migrations below it\n"
    "leave, and in a chain from the newest down to the oldest and up again. A repeatable, which has no down,\n"
    "is done twice. All that a database holds is compared, object by object. No other database is touched;\n"
    "DIR is the history (default ./migrations).\n"
    "verdicts: proved; wrong: something is left, gone or changed, or a step fails; lossy: rows or values\n"
    "that were there before the up are gone after the down; cosmetic: only the order of columns, spacing in\n"
    "function bodies, an extension or an enum label left behind; irreversible: there is no down.\n"
    "With --schema, a second tenant goes up behind the first: an up that changes what is not in its schema, a\n"
    "down that does, and a name that the second one meets are wrong; outside: the up only makes something there.\n"
    "Exit code: 1 when one is wrong (with --strict: or lossy, outside or cosmetic). See docs/proof.md.";

static const char ACCEPT_DETAILS[] =
    "An agent makes its key when it first starts, and says in its log what the fingerprint is and what to\n"
    "type here; the coordinator keeps it out, and lists it as one that applies. Where `enrolment` lets it\n"
    "say a NAME, which is only what the key says of itself, it may be given by that, and is shown and asked\n"
    "for; elsewhere, and in a script, by its FINGERPRINT with --name. A rejected key, and a revoked one, is\n"
    "in a file FINGERPRINT.refused of the coordinator's agents_dir: who removes that lets it apply again.";

static const char INVITE_DETAILS[] =
    "For automation: prints a token with which one agent comes in as NAME, once and in time, whatever its\n"
    "key is. Its agent.yaml says enrolment_token_file: a file, mode 0600, with the token. The coordinator has\n"
    "no more of it than the public half of a key, and lets whoever comes by it say one thing, which key is\n"
    "his own. After that the token is worth nothing. `skein agents list` shows who is invited.";

static const char HEALTH_DETAILS[] =
    "Each agent samples its servers every few seconds (sample_every in agent.yaml). A dash stands where there\n"
    "is no value, and `skein agents show` says why; stale is what is older than three intervals, or of an\n"
    "agent without a session. What the metrics mean: docs/health.md.";

static const char REVOKE_DETAILS[] =
    "At once, also in a session that stands: it is not heard any more, starts nothing new, and rolls back the\n"
    "transaction that it runs; a statement outside of any still comes to its end. An agent that cannot be told,\n"
    "since it has no connection, ends its running step and starts none. Targets that it had in hand are held,\n"
    "and their rollouts pause until a person has decided. The others go on.";

static const char SHOW_DETAILS[] = "ID may be left out when exactly one rollout is open. Exit "
                                   "code: 5 it is rolled back, 6 paused or held,\n"
                                   "1 aborted, otherwise 0.";

static const char PLAN_DETAILS[] =
    "Reads a rollout file and its migrations, splits and classifies every statement, and shows waves,\n"
    "statements and points of no return. With --out it writes the signed plan. Starts nothing. With a\n"
    "coordinator at hand it also shows which targets a start would select now; for that the signed plan\n"
    "is handed to the coordinator, which keeps it by its hash.";

static const char SIGN_DETAILS[] =
    "FILE is a plan that `skein plan --out` wrote. Shows it with those who have signed it, asks, unless\n"
    "--yes, and adds the signature of your key; eight keys can sign a plan. Its hash stays the same: it is\n"
    "the same plan. Where agents refused it for its signatures, `skein rollout retry --failed --plan FILE`\n"
    "brings it to the coordinator and tries again.";

static const char START_DETAILS[] = "FILE is a rollout file (YAML), which is planned, shown, "
                                    "confirmed and signed, or a plan written by\n"
                                    "`skein plan --out`. Returns when the rollout is durable and "
                                    "prints its id; --watch follows it,\n"
                                    "and the exit code is then that of `skein rollout watch`.";

static const char WATCH_DETAILS[] =
    "Follows a rollout to its end. On a terminal it redraws waves, progress and failing targets;\n"
    "elsewhere it prints one line per event, with --output json one JSON object per line. "
    "Quitting\n"
    "stops nothing. A pause ends it, too, and so does a wave that is held for a person, but not before\n"
    "the last running step has ended.\n"
    "Exit code: 0 succeeded, 5 rolled back, 6 paused or held, 1 aborted.\n"
    "ID may be left out when exactly one rollout is open.";

static const char RETRY_DETAILS[] = "ID may be left out when exactly one rollout is open. A target "
                                    "is written INSTANCE/DATABASE, or\n"
                                    "INSTANCE/DATABASE/SCHEMA.";

static const char KEYS_DETAILS[] = "KIND is coordinator, agent or signer. Writes FILE (the secret, "
                                   "mode 0600; default NAME.key) and\n"
                                   "FILE.pub. A coordinator's and an agent's keys encrypt and "
                                   "authenticate the link; a signer's key signs\n"
                                   "plans. An agent's .pub goes into the coordinator's agents.d "
                                   "directory; the coordinator's and the\n"
                                   "signers' are named in agent.yaml.";

static const char LINT_DETAILS[] =
    "PATH is a directory (default --migrations), or files of one: then findings are told of these, as in\n"
    "`skein lint $(git diff --name-only main -- migrations)`. What comes before is read all the same, so that\n"
    "rules know which tables are there. A comment above a statement allows what is meant to be:\n"
    "    -- skein: allow column-drop no release has read it since 2.3\n"
    "(`allow-file` at the top: for the whole file). One without a reason, or of a rule that does not exist, is a\n"
    "finding; no other command minds it. Exit code: 0 nothing that counts, 1 findings, 2 what cannot be read.\n"
    "Rules: docs/lint.md.";

static const char TOKENS_DETAILS[] =
    "Prints the token, once: the coordinator keeps a hash of it. --role, --for and --expires are wanted.\n"
    "viewer looks; operator brings plans, starts, steers and rolls back; approver approves, and operator does\n"
    "not; admin may do everything, and alone makes tokens and lets agents in or out. Roles can be joined:\n"
    "--role operator,approver. At the unix socket everybody has all of them, and needs no token.";

static const char VERIFY_DETAILS[] =
    "Reads the whole audit log and computes its chain: each row's hash covers the row and the hash before it.\n"
    "The first row that does not fit is named. A log that was written anew from some row on, or cut at its end,\n"
    "still fits together: that is found by an anchor, the newest row's number and hash, which this command\n"
    "prints; keep it where the coordinator's machine cannot write. Exit code: 1 a row does not fit.";

#define ROLLOUT_JSON "the rollout, as the API has it (docs/api.md)"
#define END_JSON                                                                                         \
    "{outcome: applied|rolled_back|failed|held|refused|interrupted, version: ID or null,\n"              \
    " migrations: [{id, duration_ms, statements}],\n"                                                    \
    " passed_over: [{id, rule: out_of_order|missing, above: ID or null,\n"                               \
    "  tool: that has applied it, and calls it so, or null}],\n"                                         \
    " warnings: [{migration, statement, line, kind, sqlstate, message}], warnings_total: the\n"          \
    "  directory's (without a statement; migration null: a file that is left out), then the server's,\n" \
    " failed: null or {migration, statement, line, kind}}"
static const char MOVE_JSON[] = END_JSON
    "\nwith --dry-run: {is_dry_run, makes_tables, settings: [SQL],\n"
    " steps: [{migration, direction: up|down, part, parts, is_transactional,\n"
    "  statements: [{sql, by: skein|migration|mirror, does: WORDS or null, is_again, is_if_needed,\n"
    "   of the migration's also: kind, line, looked_at: WORD or null,\n"
    "   of a COPY also: rows: {text, is_cut, lines, bytes}}]}], passed_over, warnings: the directory's};\n"
    " with --sql: {sql, warnings}";

/* clang-format off */
const Command COMMANDS[] = {
    { "new", "NAME", 1, 1, LOCAL, "write the files of a new migration", NEW_DETAILS,
      "{files: [PATH]}",
      OPTIONS(&MIGRATIONS, &FORMAT, &SET), cmd_new },
    { "up", "", 0, 0, LOCAL, "apply what is missing", UP_DETAILS, MOVE_JSON,
      OPTIONS(&DATABASE, &SCHEMA, &SHARED_SCHEMAS, &ROLE, &MIGRATIONS, &FORMAT, &SET, &UP_TO, &LOCK_TIMEOUT, &WATCHDOG,
              &OUT_OF_ORDER, &MISSING, &MIRROR, &TABLE, &DRY_RUN, &SQL, &SQL_OUT), cmd_up },
    { "down", "", 0, 0, LOCAL, "undo the newest migration, or all above a version", DOWN_DETAILS, MOVE_JSON,
      OPTIONS(&DATABASE, &SCHEMA, &SHARED_SCHEMAS, &ROLE, &MIGRATIONS, &FORMAT, &SET, &DOWN_TO, &LOCK_TIMEOUT, &WATCHDOG,
              &MISSING, &MIRROR, &TABLE, &DRY_RUN, &SQL, &SQL_OUT, &YES), cmd_down },
    { "adopt", "", 0, 0, LOCAL, "take over another tool's history; runs nothing", ADOPT_DETAILS, END_JSON,
      OPTIONS(&DATABASE, &SCHEMA, &MIGRATIONS, &FORMAT, &SET, &TOOL, &TABLE, &MISSING, &CHANGED, &ADOPT_TO), cmd_adopt },
    { "baseline", "VERSION", 1, 1, LOCAL, "call all up to VERSION applied; runs nothing", BASELINE_DETAILS, END_JSON,
      OPTIONS(&DATABASE, &SCHEMA, &MIGRATIONS, &FORMAT, &SET, &MISSING, &YES), cmd_baseline },
    { "repair", "[ID…]", 0, 10000, LOCAL, "explain what is wrong with a history, and set it right", REPAIR_DETAILS,
      "{findings: [{finding, migration: ID or null, is_note, text, state, parts_done, looked: WORD or null,\n"
      "  past: {commit, date, author, subject, diff, why_not, now: each TEXT or null} or null,\n"
      "  choices: [{option, command, effect}]}], repaired: [{migration, choice, state, parts_done, ran}]}",
      OPTIONS(&DATABASE, &SCHEMA, &SHARED_SCHEMAS, &ROLE, &MIGRATIONS, &FORMAT, &SET, &ACCEPT, &RENAME, &FORGET,
              &SETTLE, &DONE, &AGAIN, &APPLIED, &UNDONE, &SAME_SCHEMA, &NEW_SCHEMA, &TELL, &MIRROR, &TABLE,
              &REASON, &YES), cmd_repair },
    { "status", "", 0, 0, LOCAL, "which migrations are applied, and which are not", STATUS_DETAILS,
      "[{id, state, applied_at: TIME or null, parts_done, parts, change: TEXT or null,\n"
      "  above: the applied migration that it is pending below, or null,\n"
      "  shared: null or {tool, table: NAME or null}: the newest one says with whom the history is shared}];\n"
      " the directory's warnings: to standard error, {warning: {message}} a line",
      OPTIONS(&DATABASE, &SCHEMA, &MIGRATIONS, &FORMAT, &SET), cmd_status },
    { "history", "", 0, 0, LOCAL, "what was applied and undone, when and by whom", NULL,
      "[{id, state, rollout: ID or null, agent, adopted_from: TOOL or null, applied_at, undone_at: TIME or null,\n"
      "  duration_ms, is_inherited: applied in the database that this one is a copy of,\n"
      "  repairs: [{choice, by, at, reason: TEXT or null, was_id, was_state}]}]",
      OPTIONS(&DATABASE, &SCHEMA), cmd_history },
    { "current", "", 0, 0, LOCAL, "the migration that was applied last", CURRENT_DETAILS,
      "{id, version}, null both where nothing is applied",
      OPTIONS(&DATABASE, &SCHEMA), cmd_current },
    { "check", "", 0, 0, LOCAL, "can skein work on this database?", NULL,
      "[{name, verdict: ok|warn|fail, text, hint: TEXT or null}]",
      OPTIONS(&DATABASE, &SCHEMA, &ROLE), cmd_check },

    { "test", "[DIR]", 0, 1, LOCAL, "prove on scratch databases that every down undoes its up", TEST_DETAILS,
      "{outcome: proved|wrong,\n"
      " migrations: [{id, verdict, alone, why_not_alone, chain, tenant, findings}],\n"
      " chains: [{top, bottom, findings}], seed_unfit, warnings: as of up}; finding: {way, step, kind, class, object, text,\n"
      " before, after, sqlstate, hint, met_by: ID or null, up, down}; up, down: null or {file, line, statement, kind}",
      OPTIONS(&TEST_SERVER, &TEST_SCHEMA, &SHARED_SCHEMAS, &MIGRATIONS, &FORMAT, &SET, &PREPARE, &FROM, &SEED, &TEST_TIMEOUT, &JOBS, &STRICT, &JUNIT, &OWN_SERVER), cmd_test },
    { "lint", "[PATH…]", 0, 10000, LOCAL, "find fault with migrations before they travel", LINT_DETAILS,
      "{findings: [{rule, severity, migration, file, included_from, line, column, title, why,\n"
      "  effects: [{table, index, schema, lock, work, is_certain, why}], safe_way: [SQL], allowed: REASON or null}],\n"
      " warnings: the directory's, as of up,\n"
      " counts: {migrations, statements, errors, warnings, notices, allowed}}",
      OPTIONS(&MIGRATIONS, &FORMAT, &SET, &LINT_FROM, &FAIL_ON, &CONFIG, &REPORT, &RULES, &EXPLAIN), cmd_lint },

    { "plan", "FILE", 1, 1, PLANS, "show what a rollout file would do, or write the signed plan", PLAN_DETAILS,
      "{name, hash, to, where, apply_until, rollback_until, signers, waves, limits, migrations, notes,\n"
      " preview: null or as the API has it}",
      OPTIONS(&OUT, &SIGNER, &APPLY_UNTIL, &ROLLBACK_UNTIL, REMOTE), cmd_plan },
    { "plan sign", "FILE", 1, 1, PLANS, "add your signature to a signed plan", SIGN_DETAILS,
      "the plan, as `skein plan` shows it",
      OPTIONS(&OUT, &SIGNER, &YES), cmd_plan_sign },
    { "keys generate", "KIND [NAME]", 1, 2, PLANS, "make a key pair", KEYS_DETAILS,
      "{file, kind, name, public_key, fingerprint}",
      OPTIONS(&OUT), cmd_keys_generate },
    { "keys show", "FILE", 1, 1, PLANS, "kind, name and fingerprint of a key", NULL,
      "{file, kind, name, public_key, fingerprint}",
      NULL, cmd_keys_show },

    { "rollout start", "FILE", 1, 1, ROLLOUTS, "roll a plan out", START_DETAILS, ROLLOUT_JSON "; with --watch, events",
      OPTIONS(REMOTE, &SIGNER, &APPLY_UNTIL, &ROLLBACK_UNTIL, &YES, &WATCH), cmd_rollout_start },
    { "rollout list", "", 0, 0, ROLLOUTS, "rollouts, newest first", NULL, "[rollout, as the API has it]",
      OPTIONS(REMOTE, &OPEN, &LIMIT), cmd_rollout_list },
    { "rollout show", "[ID]", 0, 1, ROLLOUTS, "where it stands and what it waits for", SHOW_DETAILS,
      ROLLOUT_JSON ", its errors, late: targets that came after its start, and remarks",
      OPTIONS(REMOTE), cmd_rollout_show },
    { "rollout targets", "[ID]", 0, 1, ROLLOUTS, "its targets, one by one", ID_DETAILS,
      "[rollout's target, as the API has it]",
      OPTIONS(REMOTE, &STATE, &WAVE, &LIMIT), cmd_rollout_targets },
    { "rollout watch", "[ID]", 0, 1, ROLLOUTS, "follow it", WATCH_DETAILS, "an event per line, as the API has it",
      OPTIONS(REMOTE), cmd_rollout_watch },
    { "rollout events", "[ID]", 0, 1, ROLLOUTS, "everything that happened, oldest first", ID_DETAILS,
      "an event per line, as the API has it",
      OPTIONS(REMOTE, &AFTER, &LIMIT), cmd_rollout_events },
    { "rollout pause", "[ID]", 0, 1, ROLLOUTS, "start nothing new; running steps end", ID_DETAILS, ROLLOUT_JSON,
      OPTIONS(REMOTE, &REASON), cmd_rollout_pause },
    { "rollout resume", "[ID]", 0, 1, ROLLOUTS, "go on", ID_DETAILS, ROLLOUT_JSON,
      OPTIONS(REMOTE, &PLAN, &SIGNER, &REASON), cmd_rollout_resume },
    { "rollout approve", "[ID]", 0, 1, ROLLOUTS, "let the wave that waits for it open", ID_DETAILS, ROLLOUT_JSON,
      OPTIONS(REMOTE, &WAVE, &REASON), cmd_rollout_approve },
    { "rollout abort", "[ID]", 0, 1, ROLLOUTS, "end it where it is; what is applied stays", ID_DETAILS, ROLLOUT_JSON,
      OPTIONS(REMOTE, &REASON, &YES), cmd_rollout_abort },
    { "rollout rollback", "[ID]", 0, 1, ROLLOUTS, "take it back everywhere, in reverse order", ID_DETAILS, ROLLOUT_JSON,
      OPTIONS(REMOTE, &PLAN, &SIGNER, &REASON, &YES), cmd_rollout_rollback },
    { "rollout retry", "[ID] TARGET…|--failed", 0, 10000, ROLLOUTS, "try failed or held targets again", RETRY_DETAILS,
      ROLLOUT_JSON,
      OPTIONS(REMOTE, &FAILED, &PLAN, &SIGNER, &REASON), cmd_rollout_retry },
    { "rollout skip", "[ID] TARGET…|--failed", 0, 10000, ROLLOUTS, "go on without them", RETRY_DETAILS, ROLLOUT_JSON,
      OPTIONS(REMOTE, &FAILED, &REASON, &YES), cmd_rollout_skip },

    { "agents list", "", 0, 0, FLEET, "agents, their instances, when they were last heard", NULL,
      "[agent, as the API has it]",
      OPTIONS(REMOTE), cmd_agents_list },
    { "agents show", "NAME", 1, 1, FLEET, "one agent, with the health of its servers", HEALTH_DETAILS,
      "the agent, as the API has it", OPTIONS(REMOTE), cmd_agents_show },
    { "agents accept", "NAME|FINGERPRINT", 1, 6, FLEET, "let a key that applies be an agent",
      ACCEPT_DETAILS, "{name}", OPTIONS(REMOTE, &AGENT_NAME, &REPLACE, &REASON, &YES),
      cmd_agents_accept },
    { "agents invite", "NAME", 1, 1, FLEET, "let an agent come in once, by a token", INVITE_DETAILS,
      "the invitation, as the API has it, with its token",
      OPTIONS(REMOTE, &INVITE_EXPIRES, &INVITE_REPLACE, &INVITE_REVOKE, &REASON), cmd_agents_invite },
    { "agents reject", "NAME|FINGERPRINT", 1, 6, FLEET, "keep a key that applies out for good",
      ACCEPT_DETAILS, "{name}", OPTIONS(REMOTE, &REASON, &YES), cmd_agents_reject },
    { "agents revoke", "NAME", 1, 1, FLEET, "take an agent's key away", REVOKE_DETAILS, "{name}",
      OPTIONS(REMOTE, &REASON, &YES), cmd_agents_revoke },
    { "agents release", "NAME", 1, 1, FLEET, "lift a quarantine", NULL, "the agent, as the API has it",
      OPTIONS(REMOTE, &REASON), cmd_agents_release },
    { "health", "", 0, 0, FLEET, "how the servers of the fleet do", HEALTH_DETAILS,
      "[health, as the API has it]", OPTIONS(REMOTE), cmd_health },
    { "targets", "", 0, 0, FLEET, "the databases of the fleet and their versions", NULL,
      "[target, as the API has it]",
      OPTIONS(REMOTE, &WHERE, &LIMIT), cmd_targets },

    { "audit list", "", 0, 0, TRUST, "who ordered what, and what came of it; oldest first", NULL,
      "[audit row, as the API has it]",
      OPTIONS(REMOTE, &OF_ROLLOUT, &ACTOR, &SINCE, &AFTER, &LIMIT), cmd_audit_list },
    { "audit verify", "", 0, 0, TRUST, "does the audit log fit together, row by row?", VERIFY_DETAILS,
      "{rows, first_at, last_at: TIME or null, dropped, anchor: SEQ:HASH or null}",
      OPTIONS(REMOTE, &ANCHOR), cmd_audit_verify },
    { "tokens create", "NAME", 1, 1, TRUST, "make a token for the API over TCP", TOKENS_DETAILS,
      "the token, as the API has it",
      OPTIONS(REMOTE, &TOKEN_ROLES, &FOR, &EXPIRES), cmd_tokens_create },
    { "tokens list", "", 0, 0, TRUST, "tokens, whose they are and until when", NULL, "[token, as the API has it]",
      OPTIONS(REMOTE), cmd_tokens_list },
    { "tokens revoke", "NAME|ID", 1, 1, TRUST, "let a token in no more, at once", NULL, "the token, as the API has it",
      OPTIONS(REMOTE, &REASON), cmd_tokens_revoke },
};
/* clang-format on */

const size_t COMMAND_COUNT = ARRAY_LEN(COMMANDS);
