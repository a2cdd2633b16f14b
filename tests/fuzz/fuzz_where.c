/* where expressions: parsing ends with a tree or an error in words, and a tree answers. */
#include "fuzz.h"

#include <string.h>

#include "common/arena.h"
#include "proto/select.h"

/* Whatever selects nothing gets a phrase. */
static void doubt(const Select *select, const SelectSubject *subject, Arena *arena)
{
    AUTO(Str) words = { 0 };
    SelectDoubts *doubts = select_doubts_new(select, arena);
    select_doubts_take(doubts, subject);
    select_doubts_take(doubts, &(SelectSubject){ 0 });
    select_doubts_tell(doubts, &words);
    FUZZ_REQUIRE(words.length > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Label items[] = { { "env", "prod" }, { "tier", "" } };
    static const Labels LABELS = { items, ARRAY_LEN(items) };
    static const SelectSubject SUBJECT = { "pg1", "db1", "tenant_1é", "", "0001_a", &LABELS, NULL };
    AUTO(Arena) arena = { 0 };
    char *text = arena_strndup(&arena, (const char *)data, size);
    Select *select = NULL;
    Err err = { 0 };
    if (select_parse(text, &arena, &select, &err) == ERR_NONE) {
        select_matches(select, &SUBJECT);
        select_matches(select, &(SelectSubject){ 0 });
        FUZZ_REQUIRE(select_may_match(select, &SUBJECT) || !select_matches(select, &SUBJECT));
        FUZZ_REQUIRE(select_uses_version(select) ||
                     select_may_match(select, &SUBJECT) == select_matches(select, &SUBJECT));
        doubt(select, &SUBJECT, &arena);
    } else {
        FUZZ_REQUIRE(select == NULL && err.code == ERR_SYNTAX && err.message[0] != '\0');
    }
    return 0;
}

bool fuzz_seed(size_t index, Str *out)
{
    static const char *const SEEDS[] = {
        "labels.env = 'prod' and database like 'tenant\\_%'",
        "instance in ('pg1', 'pg2') or not (host != 'db''1' and schema not in (''))",
        "version not like '%_1%%' and not not (labels.tier = '' or host = 'é')",
        "((((((((host = 'x'))))))))",
        "databse = \"prod\" && host <> 'x'",
    };
    if (index >= ARRAY_LEN(SEEDS)) {
        return false;
    }
    str_append(out, SEEDS[index]);
    return true;
}
