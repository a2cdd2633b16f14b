/* See conceal.h. */
#include "cli/conceal.h"

#include <string.h>

#include "agent/conn/conn.h"
#include "cli/adopt/place.h"

bool conceal_has_password(const char *connection)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(ConnSource) source = NULL;
    AUTO_PTR(Secret) plain = secret_new(place_plain_url(connection, &arena));
    return conn_source_new(plain, PASSWORD_ELSEWHERE, 1, &source, NULL) != ERR_NONE;
}

Secret *conceal_word(char *word, char *from)
{
    Secret *secret = secret_new(word);
    memset(from, '*', strlen(from));
    return secret;
}
