/* proto/audit_words.c: every order of the API is told in skein's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "proto/audit_words.h"

static void orders_are_told_as_the_commands_that_give_them(void **state)
{
    (void)state;
    static const struct {
        const char *action;
        const char *words;
    } ROWS[] = {
        { "POST /api/v1/rollouts", "rollout start" },
        { "POST /api/v1/rollouts/{id}/rollback", "rollout rollback" },
        { "PUT /api/v1/plans/{hash}", "plan bring" },
        { "POST /api/v1/agents/{name}/revoke", "agents revoke" },
        { "POST /api/v1/applicants/{fingerprint}/accept", "agents accept" },
        { "POST /api/v1/invitations", "agents invite" },
        { "POST /api/v1/invitations/{name}/revoke", "agents invite revoke" },
        { "POST /api/v1/tokens", "tokens create" },
        { "POST /api/v1/tokens/{id}/revoke", "tokens revoke" },
        { "POST /api/v1/zones", "zones create" }, /* as long as one that has other words */
        { "coordinator start", "coordinator start" },
        { "", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) words = { 0 };
        audit_words(ROWS[i].action, &words);
        assert_string_equal(str_text(&words), ROWS[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_told_as_the_commands_that_give_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
