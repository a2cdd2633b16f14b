/* The TCP door with a certificate: TLS, and nothing else. */
#include "world.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "coordinator/http/certificate.h"
#include "tests/harness/tls_pair.h"

/* Bound to the loopback, and written so that it does not look like it: as any other address. */
#define BEYOND "[::ffff:127.0.0.1]:0"

typedef struct TlsWorld {
    World *world;
    char certificate[112];
    char key[112];
} TlsWorld;

static void write_text(const char *path, const Str *text, mode_t mode)
{
    assert_int_equal(file_write_new(path, text->data, text->length, mode, NULL), ERR_NONE);
}

static int setup(void **state)
{
    TlsWorld *tls = mem_alloc(sizeof(*tls));
    AUTO(Str) certificate = { 0 };
    AUTO(Str) key = { 0 };
    void *world = NULL;
    assert_int_equal(world_setup(&world), 0);
    tls->world = world;
    const char *directory = tls->world->fixture->directory;
    text_format(tls->certificate, sizeof(tls->certificate), "%s/api.crt", directory);
    text_format(tls->key, sizeof(tls->key), "%s/api.key", directory);
    assert_true(tls_pair_make(&certificate, &key));
    write_text(tls->certificate, &certificate, 0644);
    write_text(tls->key, &key, 0600);
    http_server_close(tls->world->server);
    tls->world->config.tls = (TlsConfig){ tls->certificate, tls->key };
    world_open_server(tls->world);
    *state = tls;
    return 0;
}

static int teardown(void **state)
{
    TlsWorld *tls = *state;
    void *world = tls->world;
    (void)unlink(tls->certificate);
    (void)unlink(tls->key);
    free(tls);
    return world_teardown(&world);
}

static Exchange ask_tls(TlsWorld *tls, const char *path, const char *header)
{
    AUTO(Str) url = { 0 };
    Exchange exchange = ask_begin(tls->world, true, "GET", path, NULL, 0);
    str_printf(&url, "https://127.0.0.1:%u%s", http_server_port(tls->world->server), path);
    curl_easy_setopt(exchange.easy, CURLOPT_URL, str_text(&url));
    curl_easy_setopt(exchange.easy, CURLOPT_CAINFO, tls->certificate);
    if (header != NULL) {
        exchange.headers = curl_slist_append(exchange.headers, header);
    }
    return exchange;
}

static long status_of(Exchange *exchange)
{
    ask_send(exchange);
    ask_wait(exchange);
    long status = exchange->status;
    ask_done(exchange);
    return status;
}

static void the_door_answers_over_tls(void **state)
{
    Exchange exchange = ask_tls(*state, "/api/v1/status", NULL);
    assert_int_equal(status_of(&exchange), 200);
}

static void whoever_does_not_speak_tls_is_not_answered(void **state)
{
    TlsWorld *tls = *state;
    Exchange plain = ask_begin(tls->world, true, "GET", "/api/v1/status", NULL, 0);
    assert_int_equal(status_of(&plain), 0);
}

static void tls_of_old_is_refused(void **state)
{
    static const long VERSIONS[] = { CURL_SSLVERSION_TLSv1_0 | CURL_SSLVERSION_MAX_TLSv1_0,
                                     CURL_SSLVERSION_TLSv1_1 | CURL_SSLVERSION_MAX_TLSv1_1 };
    for (size_t i = 0; i < ARRAY_LEN(VERSIONS); i++) {
        Exchange exchange = ask_tls(*state, "/api/v1/status", NULL);
        curl_easy_setopt(exchange.easy, CURLOPT_SSLVERSION, VERSIONS[i]);
        curl_easy_setopt(exchange.easy, CURLOPT_SSL_CIPHER_LIST, "ALL:@SECLEVEL=0");
        assert_int_equal(status_of(&exchange), 0);
    }
    Exchange present = ask_tls(*state, "/api/v1/status", NULL);
    curl_easy_setopt(present.easy, CURLOPT_SSLVERSION,
                     (long)(CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2));
    assert_int_equal(status_of(&present), 200);
}

/* Suspended and resumed like any other connection. */
static void whoever_waits_for_events_over_tls_is_answered(void **state)
{
    TlsWorld *tls = *state;
    AUTO(Arena) arena = { 0 };
    Shell *shell = tls->world->fixture->shell;
    const char *path = arena_printf(&arena, "/api/v1/events?wait_ms=30000&after=%llu",
                                    (unsigned long long)shell_last_seq(shell));
    Exchange waiting = ask_tls(tls, path, NULL);
    ask_send(&waiting);
    for (int i = 0; i < 50; i++) {
        ask_turn(&waiting);
    }
    assert_false(waiting.is_done);
    const Event event = { .kind = EVENT_AGENT_FORGED, .agent = "db1", .reason = "it told a lie" };
    shell_take(shell, &event);
    ask_wait(&waiting);
    assert_non_null(strstr(str_text(&waiting.body), "it told a lie"));
    ask_done(&waiting);
}

static void beyond_the_loopback_nobody_looks_without_a_token(void **state)
{
    TlsWorld *tls = *state;
    http_server_close(tls->world->server);
    tls->world->config.listen = BEYOND;
    world_open_server(tls->world);
    Exchange exchange = ask_tls(tls, "/api/v1/status", NULL);
    assert_int_equal(status_of(&exchange), 401);
}

static void the_names_of_the_configuration_are_answered_to(void **state)
{
    static const char *names[] = { "skein.example.org" };
    TlsWorld *tls = *state;
    http_server_close(tls->world->server);
    tls->world->config.names = names;
    tls->world->config.name_count = 1;
    world_open_server(tls->world);
    Exchange ours = ask_tls(tls, "/api/v1/status", "Host: skein.example.org:8420");
    assert_int_equal(status_of(&ours), 200);
    Exchange other = ask_tls(tls, "/api/v1/status", "Host: evil.example");
    assert_int_equal(status_of(&other), 403);
}

/* ---- certificates ---- */

static void must_not_read(const TlsConfig *config, ErrCode code, const char *words)
{
    AUTO(Certificate) certificate = { 0 };
    Err err = { 0 };
    assert_int_equal(certificate_read(config, &certificate, &err), code);
    if (strstr(err.message, words) == NULL) {
        fail_msg("no '%s' in: %s", words, err.message);
    }
}

static void certificates_and_keys_that_do_not_fit_are_refused(void **state)
{
    TlsWorld *tls = *state;
    AUTO(Str) certificate = { 0 };
    AUTO(Str) key = { 0 };
    char other[128];
    text_format(other, sizeof(other), "%s.other", tls->key);
    assert_true(tls_pair_make(&certificate, &key));
    write_text(other, &key, 0600);
    must_not_read(&(TlsConfig){ tls->certificate, other }, ERR_CONFIG, "api.tls: ");
    must_not_read(&(TlsConfig){ tls->key, tls->key }, ERR_CONFIG, "api.tls: ");
    must_not_read(&(TlsConfig){ tls->certificate, "/nowhere/key" }, ERR_CONFIG, "/nowhere/key");
    assert_int_equal(unlink(other), 0);
    assert_int_equal(chmod(tls->key, 0640), 0);
    must_not_read(&(TlsConfig){ tls->certificate, tls->key }, ERR_FORBIDDEN, "mode 0640");
}

/* ---- while the door is open ---- */

static void rewrite(const char *path, const Str *text, mode_t mode)
{
    assert_int_equal(file_write_atomic(path, text->data, text->length, mode, NULL), ERR_NONE);
}

/* The certificate that was, as a file of its own: whoever trusts it trusts no other. */
static void keep_former(const TlsWorld *tls, char *path, size_t size)
{
    text_format(path, size, "%s.former", tls->certificate);
    assert_int_equal(link(tls->certificate, path), 0);
}

static long status_trusting(TlsWorld *tls, const char *certificate)
{
    Exchange exchange = ask_tls(tls, "/api/v1/status", NULL);
    curl_easy_setopt(exchange.easy, CURLOPT_CAINFO, certificate);
    return status_of(&exchange);
}

static void a_new_certificate_is_shown_to_new_handshakes(void **state)
{
    TlsWorld *tls = *state;
    AUTO(Str) certificate = { 0 };
    AUTO(Str) key = { 0 };
    AUTO(Arena) arena = { 0 };
    char former[128];
    Err err = { 0 };
    bool is_new = true;
    keep_former(tls, former, sizeof(former));
    assert_int_equal(http_server_read_certificate(tls->world->server, &is_new, &err), ERR_NONE);
    assert_false(is_new);
    Exchange standing =
        ask_tls(tls,
                arena_printf(&arena, "/api/v1/events?wait_ms=30000&after=%llu",
                             (unsigned long long)shell_last_seq(tls->world->fixture->shell)),
                NULL);
    ask_send(&standing);
    for (int i = 0; i < 50; i++) {
        ask_turn(&standing);
    }
    assert_true(tls_pair_make(&certificate, &key));
    rewrite(tls->certificate, &certificate, 0644);
    rewrite(tls->key, &key, 0600);
    assert_int_equal(http_server_read_certificate(tls->world->server, &is_new, &err), ERR_NONE);
    assert_true(is_new);
    assert_int_equal(status_trusting(tls, former), 0);
    assert_int_equal(status_trusting(tls, tls->certificate), 200);
    const Event event = { .kind = EVENT_AGENT_FORGED, .agent = "db1", .reason = "it told a lie" };
    shell_take(tls->world->fixture->shell, &event);
    ask_wait(&standing); /* in the handshake of before */
    assert_int_equal(standing.status, 200);
    ask_done(&standing);
    assert_int_equal(unlink(former), 0);
}

/* Its key is not there yet, say, or only half of it. */
static void a_certificate_that_cannot_be_used_leaves_the_former_one(void **state)
{
    TlsWorld *tls = *state;
    AUTO(Str) certificate = { 0 };
    AUTO(Str) key = { 0 };
    char former[128];
    Err err = { 0 };
    bool is_new = false;
    keep_former(tls, former, sizeof(former));
    assert_true(tls_pair_make(&certificate, &key));
    rewrite(tls->certificate, &certificate, 0644);
    assert_int_equal(http_server_read_certificate(tls->world->server, &is_new, &err), ERR_CONFIG);
    assert_int_equal(status_trusting(tls, former), 200);
    assert_int_equal(unlink(former), 0);
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_TEST(the_door_answers_over_tls),
        TLS_TEST(whoever_does_not_speak_tls_is_not_answered),
        TLS_TEST(tls_of_old_is_refused),
        TLS_TEST(whoever_waits_for_events_over_tls_is_answered),
        TLS_TEST(beyond_the_loopback_nobody_looks_without_a_token),
        TLS_TEST(the_names_of_the_configuration_are_answered_to),
        TLS_TEST(a_new_certificate_is_shown_to_new_handshakes),
        TLS_TEST(a_certificate_that_cannot_be_used_leaves_the_former_one),
        TLS_TEST(certificates_and_keys_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
