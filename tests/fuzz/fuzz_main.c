/*
 * Runs a fuzzer without libFuzzer:
 *
 *     fuzz_X ROUNDS [SEED]      ROUNDS mutations of the fuzzer's own seeds, decided by SEED (1)
 *     fuzz_X --write-seeds DIR  the seeds as files, a first corpus for libFuzzer
 *     fuzz_X FILE…              these inputs, once each
 *
 * After an abort the same ROUNDS and SEED lead to the same input under a debugger.
 */
#include "fuzz.h"

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

static void mutate_byte(Str *input, uint64_t *seed)
{
    /*
     * Heads of MessagePack that claim much, and limits of integers, more often than chance would.
     */
    static const uint8_t SHARP[] = { 0x00, 0x7F, 0x80, 0xC0, 0xC1, 0xC6, 0xDB, 0xDD, 0xDF, 0xFF };
    uint8_t value = (uint8_t)next_random(seed);
    if (value % 2 == 0) {
        value = SHARP[next_random(seed) % ARRAY_LEN(SHARP)];
    }
    input->data[next_random(seed) % input->length] = (char)value;
}

static void mutate_cut(Str *input, uint64_t *seed)
{
    input->length = next_random(seed) % (input->length + 1);
}

/* Copies a piece of the input over another place, or behind the end. */
static void mutate_copy(Str *input, uint64_t *seed)
{
    size_t from = next_random(seed) % input->length;
    size_t length = next_random(seed) % (input->length - from) + 1;
    size_t to = next_random(seed) % (input->length + 1);
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

static void mutate(Str *input, uint64_t *seed)
{
    static void (*const MUTATIONS[])(Str *, uint64_t *) = { mutate_byte, mutate_byte, mutate_byte,
                                                            mutate_byte, mutate_cut, mutate_copy };
    uint64_t count = 1 + next_random(seed) % 6;
    for (uint64_t i = 0; i < count && input->length > 0; i++) {
        MUTATIONS[next_random(seed) % ARRAY_LEN(MUTATIONS)](input, seed);
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

static size_t seeds_make(Str seeds[SEEDS_MAX])
{
    size_t count = 0;
    while (count < SEEDS_MAX && fuzz_seed(count, &seeds[count])) {
        run(&seeds[count]);
        count++;
    }
    FUZZ_REQUIRE(count > 0);
    return count;
}

static void run_rounds(int64_t rounds, uint64_t seed)
{
    AUTO(Str) input = { 0 };
    Str seeds[SEEDS_MAX] = { 0 };
    size_t count = seeds_make(seeds);
    for (int64_t round = 0; round < rounds; round++) {
        const Str *sound = &seeds[(size_t)round % count];
        str_clear(&input);
        str_append_bytes(&input, sound->data, sound->length);
        mutate(&input, &seed);
        run(&input);
    }
    printf("%" PRId64 " rounds over %zu seeds\n", rounds, count);
    for (size_t i = 0; i < count; i++) {
        str_done(&seeds[i]);
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
        run_rounds(rounds, (uint64_t)seed);
        return 0;
    }
    int status = 0;
    for (int i = 1; i < argc; i++) {
        status |= run_file(argv[i]);
    }
    return status;
}
