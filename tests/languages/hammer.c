// One process of several that take as much of one key as they are given: the same as `kills hammer`,
// in C. What it was granted it writes down in the format of tests/src/kills/record.rs.
//
//   hammer SEGMENT POLICY KEY SECONDS RECORD

#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tidegate.h>

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int fail(const char *what) {
    char text[512] = "";
    tg_last_error(text, sizeof text);
    fprintf(stderr, "hammer: %s: %s\n", what, text);
    return 1;
}

// Little-endian, on every machine.
static void put(unsigned char *to, uint64_t word) {
    for (int i = 0; i < 8; i++) to[i] = (unsigned char)(word >> (8 * i));
}

static int admitted(FILE *record, uint64_t before, uint64_t after) {
    unsigned char bytes[32];
    put(bytes, 0);
    put(bytes + 8, 1);
    put(bytes + 16, before);
    put(bytes + 24, after);
    return fwrite(bytes, sizeof bytes, 1, record) == 1;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: hammer SEGMENT POLICY KEY SECONDS RECORD\n");
        return 2;
    }
    const char *segment = argv[1], *policy = argv[2], *key = argv[3];
    uint64_t nanoseconds = (uint64_t)(atof(argv[4]) * 1e9), calls = 0;

    tg_options options;
    tg_options_init(&options);
    options.segment = segment;
    options.segment_len = strlen(segment);
    tg_limiter *limiter;
    if (tg_limiter_new(policy, strlen(policy), &options, &limiter) != TG_OK) return fail("tg_limiter_new");
    FILE *record = fopen(argv[5], "wxb");
    if (record == NULL) return fail("the record");
    setvbuf(record, NULL, _IONBF, 0);

    tg_decision decision;
    uint64_t start = now(), before;
    while ((before = now()) - start < nanoseconds) {
        calls++;
        if (tg_check(limiter, key, strlen(key), 1, &decision) != TG_OK) return fail("tg_check");
        if (decision.allowed && !admitted(record, before, now())) return fail("the record");
    }
    printf("C: %" PRIu64 " calls\n", calls);
    tg_limiter_free(limiter);
    return fclose(record) != 0;
}
