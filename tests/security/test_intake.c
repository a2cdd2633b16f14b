/*
 * How much of what a server says is taken from the socket: never more than the limit, on whatever
 * kind of socket, in whatever messages, and however fast it is sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/conn/intake.h"
#include "agent/conn/query.h"
#include "common/clock.h"
#include "common/str.h"
#include "tests/patience.h"
#include "tests/scratch.h"
#include "tests/security/memory.h"
#include "tests/security/rogue.h"

#define MIB ((size_t)1024 * 1024)
#define FLOOD_BYTES (256 * 1024)
#define NULLS 1600
#define PEAK_MAX_KB ((size_t)320 * 1024) /* of this process, which had little before */

/* What the kernel holds between the two, sent and not received. */
#define UNDER_WAY_MAX (16 * MIB)

static char flood[FLOOD_BYTES];

static bool is_asked(RogueVisit *visit)
{
    return rogue_welcome(visit) && rogue_await_sql(visit) != NULL;
}

static void send_rows(RogueVisit *visit)
{
    static const char *const FIELDS[] = { flood };
    bool goes_on = is_asked(visit) && rogue_say_columns(visit, 1);
    while (goes_on) {
        goes_on = rogue_say_row(visit, FIELDS, 1);
    }
}

/* Each takes four bytes on the way, and sixteen here. */
static void send_nulls(RogueVisit *visit)
{
    static const char *const FIELDS[NULLS] = { NULL };
    bool goes_on = is_asked(visit) && rogue_say_columns(visit, NULLS);
    while (goes_on) {
        goes_on = rogue_say_row(visit, FIELDS, NULLS);
    }
}

/* libpq makes room for all of a message as soon as it has seen how long it is to be, and reads on
 * while there is room and something comes. */
static void send_one_great_row(RogueVisit *visit)
{
    bool goes_on = is_asked(visit) && rogue_say_columns(visit, 1) &&
                   rogue_write(visit, "D\x3f\xff\xff\xf0\0\1\x3f\xff\xff\0", 11);
    while (goes_on) {
        goes_on = rogue_write(visit, flood, sizeof(flood));
    }
}

static void send_notices(RogueVisit *visit)
{
    bool goes_on = is_asked(visit);
    while (goes_on) {
        goes_on = rogue_complain(visit, 'N', flood, "");
    }
}

static void send_at_the_door(RogueVisit *visit)
{
    bool goes_on = rogue_meet(visit) && rogue_write(visit, "E\x3f\xff\xff\xf0", 5);
    while (goes_on) {
        goes_on = rogue_write(visit, flood, sizeof(flood));
    }
}

/* About a MiB beside each answer, of what libpq keeps as long as the connection lives. */
static void answer_with_more_than_was_asked(RogueVisit *visit)
{
    static const char *const FIELDS[] = { "1" };
    bool goes_on = rogue_welcome(visit);
    for (unsigned question = 0; goes_on && rogue_await_sql(visit) != NULL; question++) {
        for (unsigned i = 0; goes_on && i < 64; i++) {
            char body[16 * 1024];
            memset(body, 'v', sizeof(body) - 1);
            text_format(body, sizeof(body), "%08u.%02u", question, i);
            body[sizeof(body) - 1] = '\0';
            goes_on = rogue_say(visit, 'S', body, sizeof(body));
        }
        goes_on = goes_on && rogue_say_columns(visit, 1) && rogue_say_row(visit, FIELDS, 1) &&
                  rogue_finish(visit);
    }
}

/* ---- and whoever listens ---- */

typedef struct Meeting {
    Rogue *rogue;
    ConnSource *source;
    uint64_t deadline_ms;
} Meeting;

static Meeting meeting_begin(RogueTalk talk, const char *folder)
{
    Meeting meeting = {
        .rogue = folder == NULL ? rogue_start(talk) : rogue_start_local(talk, folder),
        .deadline_ms = clock_boot_ms() + PATIENCE_MS,
    };
    AUTO(Str) text = { 0 };
    str_printf(&text, "host=%s port=%d user=skein", folder == NULL ? "127.0.0.1" : folder,
               rogue_port(meeting.rogue));
    AUTO_PTR(Secret) connection = secret_new(str_text(&text));
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 3, &meeting.source, NULL),
                     ERR_NONE);
    return meeting;
}

static ErrCode meeting_open(const Meeting *meeting, Conn **ret_conn, Err *err)
{
    const ConnRequest request = { .purpose = CONN_WATCH,
                                  .application_name = "skein/test",
                                  .deadline_ms = meeting->deadline_ms };
    return conn_open(meeting->source, &request, ret_conn, err);
}

static ErrCode meeting_ask(const Meeting *meeting, Conn *conn, Err *err)
{
    const Query query = { .sql = "SELECT 1", .deadline_ms = meeting->deadline_ms };
    AUTO_PTR(PGresult) result = NULL;
    return conn_query(conn, &query, &result, err);
}

/* What the other side was able to send until it was left. */
static size_t meeting_end(Meeting *meeting)
{
    while (rogue_visits(meeting->rogue) == 0) {
        rogue_breathe();
    }
    size_t bytes = rogue_bytes(meeting->rogue);
    rogue_stop(meeting->rogue);
    conn_source_free(meeting->source);
    return bytes;
}

static void flood_meet(RogueTalk talk, const char *folder)
{
    Meeting meeting = meeting_begin(talk, folder);
    Conn *conn = NULL;
    Err err = { 0 };
    assert_int_equal(meeting_open(&meeting, &conn, &err), ERR_NONE);
    assert_int_equal(meeting_ask(&meeting, conn, &err), ERR_UNREACHABLE);
    if (strstr(err.message, "does not end: more than 64 MiB") == NULL) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(conn_intake(conn)->bytes, INTAKE_ANSWER_BYTES);
    conn_close(conn);
    assert_in_range(meeting_end(&meeting), INTAKE_ANSWER_BYTES,
                    INTAKE_ANSWER_BYTES + UNDER_WAY_MAX);
}

static void of_an_answer_without_end_no_byte_is_taken_beyond_the_limit(void **state)
{
    (void)state;
    static const RogueTalk TALKS[] = { send_rows, send_nulls, send_one_great_row, send_notices };
    for (size_t i = 0; i < ARRAY_LEN(TALKS); i++) {
        const char *folder = scratch_new("intake");
        flood_meet(TALKS[i], NULL);
        flood_meet(TALKS[i], folder);
        scratch_remove(folder);
    }
    assert_in_range(memory_peak_kb(getpid()), 1, PEAK_MAX_KB);
}

static void who_is_not_in_yet_hears_a_mebibyte(void **state)
{
    (void)state;
    const char *folder = scratch_new("door");
    Meeting meeting = meeting_begin(send_at_the_door, folder);
    Conn *conn = NULL;
    Err err = { 0 };
    assert_int_not_equal(meeting_open(&meeting, &conn, &err), ERR_NONE);
    assert_null(conn);
    assert_in_range(meeting_end(&meeting), 1, INTAKE_DOOR_BYTES + MIB);
    scratch_remove(folder);
}

static void what_is_said_beside_the_answers_adds_up(void **state)
{
    (void)state;
    const char *folder = scratch_new("beside");
    Meeting meeting = meeting_begin(answer_with_more_than_was_asked, folder);
    AUTO_PTR(Conn) conn = NULL;
    Err err = { 0 };
    unsigned answered = 0;
    assert_int_equal(meeting_open(&meeting, &conn, &err), ERR_NONE);
    while (meeting_ask(&meeting, conn, &err) == ERR_NONE) {
        answered++;
        assert_in_range(answered, 1, 64);
    }
    assert_int_equal(err.code, ERR_UNREACHABLE);
    assert_in_range(answered, 60, 64);
    conn_close(TAKE(conn));
    assert_in_range(meeting_end(&meeting), 1, INTAKE_ANSWER_BYTES + 2 * MIB);
    scratch_remove(folder);
}

int main(void)
{
    memset(flood, 'x', sizeof(flood) - 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_an_answer_without_end_no_byte_is_taken_beyond_the_limit),
        cmocka_unit_test(who_is_not_in_yet_hears_a_mebibyte),
        cmocka_unit_test(what_is_said_beside_the_answers_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
