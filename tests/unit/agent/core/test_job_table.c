/* The job's table as a table: well-formed, and true to what the driver makes of answers that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/core/job.h"

static void the_table_is_well_formed(void **state)
{
    (void)state;
    Err err;
    if (rule_table_check(job_rule_table(), &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
