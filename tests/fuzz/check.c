/* Errors as every function of skein promises them. */
#include "check.h"

#include <string.h>

#include "common/str.h"
#include "common/utf8.h"
#include "fuzz.h"

void check_error(const Err *err, ErrCode code)
{
    size_t message = strnlen(err->message, ERR_MESSAGE_MAX);
    size_t hint = strnlen(err->hint, ERR_HINT_MAX);
    FUZZ_REQUIRE(code != ERR_NONE && err->code == code);
    FUZZ_REQUIRE(message > 0 && message < ERR_MESSAGE_MAX && hint < ERR_HINT_MAX);
    FUZZ_REQUIRE(utf8_is_valid(err->message, message) && utf8_is_valid(err->hint, hint));
}

/* A number from 1 to `max` and the colon behind it; what follows them. */
static const char *skip_number(const char *at, size_t max)
{
    char *end = NULL;
    FUZZ_REQUIRE(*at >= '1' && *at <= '9');
    FUZZ_REQUIRE(strtoull(at, &end, 10) <= max && *end == ':');
    return end + 1;
}

static const char *skip_name(const Err *err, const char *name)
{
    FUZZ_REQUIRE(str_starts_with(err->message, name) && err->message[strlen(name)] == ':');
    return err->message + strlen(name) + 1;
}

void check_line(const Err *err, const char *name, size_t line_max)
{
    FUZZ_REQUIRE(*skip_number(skip_name(err, name), line_max) == ' ');
}

void check_position(const Err *err, const char *name)
{
    FUZZ_REQUIRE(*skip_number(skip_number(skip_name(err, name), SIZE_MAX), SIZE_MAX) == ' ');
}
