/*
 * Runs a fuzzer without libFuzzer:
 *
 *     fuzz_X ROUNDS [SEED]      ROUNDS mutations of the fuzzer's own seeds, decided by SEED (1)
 *     fuzz_X --write-seeds DIR  the seeds as files, a first corpus for libFuzzer
 *     fuzz_X FILE…              these inputs, once each; of a directory all that is in it
 *
 * It prints how to run the same again, for after an abort: every input is decided by SEED.
 */
#include "fuzz.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/arena.h"

#define INPUT_MAX (1 << 20)
#define SEEDS_MAX 64
#define ROUNDS_MAX 1000000000

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

typedef struct Fuzz {
    Str seeds[SEEDS_MAX];
    size_t count;
    uint64_t random;
} Fuzz;

static size_t below(Fuzz *fuzz, size_t limit)
{
    return (size_t)(next_random(&fuzz->random) % limit);
}

static void mutate_byte(Fuzz *fuzz, Str *input)
{
    /*
     * Heads of MessagePack that claim much, and limits of integers, more often than chance would.
     */
    static const uint8_t SHARP[] = { 0x00, 0x7F, 0x80, 0xC0, 0xC1, 0xC6, 0xDB, 0xDD, 0xDF, 0xFF };
    uint8_t value = (uint8_t)below(fuzz, UINT8_MAX + 1);
    if (value % 2 == 0) {
        value = SHARP[below(fuzz, ARRAY_LEN(SHARP))];
    }
    input->data[below(fuzz, input->length)] = (char)value;
}

static void mutate_cut(Fuzz *fuzz, Str *input)
{
    input->length = below(fuzz, input->length + 1);
}

/* Copies a piece of the input over another place, or behind the end. */
static void mutate_copy(Fuzz *fuzz, Str *input)
{
    size_t from = below(fuzz, input->length);
    size_t length = below(fuzz, input->length - from) + 1;
    size_t to = below(fuzz, input->length + 1);
    char *piece = mem_alloc(length);
    memcpy(piece, input->data + from, length);
    if (to + length > input->length) {
        input->length = to;
        str_append_bytes(input, piece, length);
    } else {
        memcpy(input->data + to, piece, length);
    }
    free(piece);
}

/*
 * Puts up to 16 bytes of some seed in place of as many or fewer. Text stays text: of random bytes
 * hardly one is of the alphabet that a grammar knows.
 */
static void mutate_borrow(Fuzz *fuzz, Str *input)
{
    const Str *seed = &fuzz->seeds[below(fuzz, fuzz->count)];
    if (seed->length == 0) {
        return;
    }
    size_t from = below(fuzz, seed->length);
    size_t length = below(fuzz, seed->length - from < 16 ? seed->length - from : 16) + 1;
    size_t at = below(fuzz, input->length + 1);
    size_t end = at + below(fuzz, length + 1);
    AUTO(Str) tail = { 0 };
    if (end < input->length) {
        str_append_bytes(&tail, input->data + end, input->length - end);
    }
    input->length = at;
    str_append_bytes(input, seed->data + from, length);
    str_append_bytes(input, str_text(&tail), tail.length);
}

static void mutate(Fuzz *fuzz, Str *input)
{
    static void (*const MUTATIONS[])(Fuzz *, Str *) = { mutate_byte,   mutate_byte,   mutate_borrow,
                                                        mutate_borrow, mutate_borrow, mutate_borrow,
                                                        mutate_cut,    mutate_copy };
    size_t count = 1 + below(fuzz, 4);
    for (size_t i = 0; i < count && input->length > 0; i++) {
        MUTATIONS[below(fuzz, ARRAY_LEN(MUTATIONS))](fuzz, input);
    }
}

/* On a copy of exactly this size, so that a sanitizer sees a read beyond it. */
static void run(const Str *input)
{
    uint8_t *exact = mem_alloc(input->length);
    if (input->length > 0) {
        memcpy(exact, input->data, input->length);
    }
    LLVMFuzzerTestOneInput(exact, input->length);
    free(exact);
}

static void make_seeds(Fuzz *fuzz)
{
    while (fuzz->count < SEEDS_MAX && fuzz_seed(fuzz->count, &fuzz->seeds[fuzz->count])) {
        run(&fuzz->seeds[fuzz->count++]);
    }
    FUZZ_REQUIRE(fuzz->count > 0);
}

/* The seed is said before anything can end the process. */
static void run_rounds(const char *program, int64_t rounds, uint64_t seed)
{
    AUTO(Str) input = { 0 };
    Fuzz fuzz = { .random = seed };
    printf("%s %" PRId64 " %" PRIu64 "\n", program, rounds, seed);
    fflush(stdout);
    make_seeds(&fuzz);
    for (int64_t round = 0; round < rounds; round++) {
        const Str *sound = &fuzz.seeds[(size_t)round % fuzz.count];
        str_clear(&input);
        str_append_bytes(&input, sound->data, sound->length);
        mutate(&fuzz, &input);
        run(&input);
    }
    for (size_t i = 0; i < fuzz.count; i++) {
        str_done(&fuzz.seeds[i]);
    }
}

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    AUTO(Str) input = { 0 };
    char buffer[4096];
    size_t length = 0;
    while (input.length < INPUT_MAX && (length = fread(buffer, 1, sizeof(buffer), file)) > 0) {
        str_append_bytes(&input, buffer, length);
    }
    fclose(file);
    run(&input);
    return 0;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of their names, so that it is the same everywhere. */
static int run_path(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0) {
        return run_file(path);
    }
    int status = 0;
    for (int i = 0; i < count; i++) {
        AUTO(Str) file = { 0 };
        str_printf(&file, "%s/%s", path, entries[i]->d_name);
        status |= run_file(str_text(&file));
        free(entries[i]);
    }
    free(entries);
    return status;
}

static int write_seeds(const char *directory)
{
    AUTO(Str) input = { 0 };
    for (size_t i = 0; fuzz_seed(i, &input); i++) {
        AUTO(Str) path = { 0 };
        str_printf(&path, "%s/seed-%zu", directory, i);
        FILE *file = fopen(str_text(&path), "wb");
        if (file == NULL || fwrite(input.data, 1, input.length, file) != input.length ||
            fclose(file) != 0) {
            perror(str_text(&path));
            return 1;
        }
        str_clear(&input);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int64_t rounds = 0;
    int64_t seed = 1;
    if (argc < 2) {
        fprintf(stderr, "usage: %s ROUNDS [SEED] | --write-seeds DIR | FILE…\n", argv[0]);
        return 2;
    }
    if (argc == 3 && str_equal(argv[1], "--write-seeds")) {
        return write_seeds(argv[2]);
    }
    if (str_to_int64(argv[1], 0, ROUNDS_MAX, &rounds)) {
        if (argc > 2 && !str_to_int64(argv[2], 0, INT64_MAX, &seed)) {
            fprintf(stderr, "%s: SEED is a number\n", argv[0]);
            return 2;
        }
        run_rounds(argv[0], rounds, (uint64_t)seed);
        return 0;
    }
    int status = 0;
    for (int i = 1; i < argc; i++) {
        status |= run_path(argv[i]);
    }
    return status;
}
