/* Segments: what is wrong with a file, and an entry that can't be had. Every status that a segment can
 * give, but for those that need another machine or another build of the library. */
#define _GNU_SOURCE
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of docs/segment-format.md. */
enum { HEADER_BYTES = 4096, SEATS = 1023, TABLE = 65536, OWNER_SHIFT = 40, SEAT_BITS = 10 };

static char path[64];
static const char *const POLICY = "2/hour";

static tg_options options_for(const char *file) {
    tg_options options;
    tg_options_init(&options);
    options.segment = file;
    options.segment_len = strlen(file);
    options.max_keys = 64;
    return options;
}

static tg_status opened(const char *policy, const tg_options *options, tg_limiter **limiter) {
    return tg_limiter_new(policy, strlen(policy), options, limiter);
}

static void refused(const char *policy, tg_options options, tg_status wanted) {
    tg_limiter *limiter = NULL;
    CHECK_STATUS(opened(policy, &options, &limiter), wanted);
    CHECK(limiter == NULL);
}

static tg_limiter *made(void) {
    tg_options options = options_for(path);
    tg_limiter *limiter = NULL;
    OK(opened(POLICY, &options, &limiter));
    if (!limiter) exit(1);
    return limiter;
}

/* A whole segment that nobody has open. */
static void make(void) {
    unlink(path);
    tg_limiter_free(made());
}

static int file_at(int flags) {
    int file = open(path, flags | O_CLOEXEC, 0600);
    if (file < 0) exit(1);
    return file;
}

static uint64_t word_at(int file, off_t place) {
    uint64_t word = 0;
    if (pread(file, &word, sizeof word, place) != (ssize_t)sizeof word) exit(1);
    return word;
}

static void put_word(int file, off_t place, uint64_t word) {
    if (pwrite(file, &word, sizeof word, place) != (ssize_t)sizeof word) exit(1);
}

static void what_is_no_file(void) {
    char target[80], below[80];
    snprintf(target, sizeof target, "%s.target", path);
    snprintf(below, sizeof below, "%s/below", path);
    CHECK(symlink(target, path) == 0);
    refused(POLICY, options_for(path), TG_SEGMENT_SYMLINK);
    unlink(path);
    CHECK(mkdir(path, 0700) == 0);
    refused(POLICY, options_for(path), TG_SEGMENT_NOT_A_FILE);
    rmdir(path);
    refused(POLICY, options_for(below), TG_SEGMENT_IO);
}

static void files_of_others(void) {
    close(file_at(O_RDWR | O_CREAT));
    refused(POLICY, options_for(path), TG_SEGMENT_FOREIGN);
    CHECK(chmod(path, 0620) == 0);
    refused(POLICY, options_for(path), TG_SEGMENT_MODE);
    /* Only root can give a file away. */
    if (chmod(path, 0600) == 0 && chown(path, 1, (gid_t)-1) == 0) {
        refused(POLICY, options_for(path), TG_SEGMENT_OWNER);
    }
    unlink(path);
}

/* One word of the header is another one, then again what it was. */
static void header_with(int word, uint64_t value, tg_status wanted) {
    int file = file_at(O_RDWR);
    uint64_t before = word_at(file, 8 * word);
    put_word(file, 8 * word, value);
    refused(POLICY, options_for(path), wanted);
    put_word(file, 8 * word, before);
    close(file);
}

static void headers(void) {
    make();
    header_with(0, 0, TG_SEGMENT_FOREIGN);
    header_with(1, UINT64_C(0x0807060504030201), TG_SEGMENT_BYTE_ORDER);
    header_with(2, 99, TG_SEGMENT_VERSION);
    header_with(32, 0, TG_SEGMENT_DAMAGED);
    CHECK(truncate(path, TABLE) == 0);
    refused(POLICY, options_for(path), TG_SEGMENT_SIZE);
}

static void what_does_not_suit(void) {
    make();
    tg_options options = options_for(path);
    refused("3/hour", options, TG_SEGMENT_POLICY);
    options.max_keys = 65;
    refused(POLICY, options, TG_SEGMENT_CAPACITY);
    options = options_for(path);
    tg_manual_clock *clock;
    OK(tg_manual_clock_new(0, &clock));
    options.manual_clock = clock;
    refused(POLICY, options, TG_SEGMENT_CLOCK);
    tg_manual_clock_free(clock);
    unlink(path);
}

static void what_can_not_be_made(void) {
    tg_options options = options_for(path);
    options.max_keys = (size_t)1 << 30;
    refused("1000000/day", options, TG_SEGMENT_NO_SPACE);
    static char policy[5000];
    memset(policy, 'n', sizeof policy);
    strcpy(policy + sizeof policy - 10, ": 2/hour");
    refused(policy, options_for(path), TG_SEGMENT_LONG_POLICY);
    CHECK(access(path, F_OK) != 0);
}

/* All seats are taken, as far as the kernel's locks say. */
static void crowds(void) {
    make();
    int file = file_at(O_RDWR);
    struct flock seats = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = HEADER_BYTES, .l_len = 8 * SEATS};
    CHECK(fcntl(file, F_OFD_SETLK, &seats) == 0);
    refused(POLICY, options_for(path), TG_SEGMENT_CROWDED);
    close(file);
    tg_limiter_free(made());
}

/* Locks every entry in the name of whoever sits in a seat and lives: as if it had been stopped there. */
static void lock_entries_for(int seat) {
    int file = file_at(O_RDWR);
    uint64_t turn = word_at(file, HEADER_BYTES + 8 * seat) & 0x3FFF;
    uint64_t owner = turn << SEAT_BITS | (uint64_t)(seat + 1);
    off_t end = lseek(file, 0, SEEK_END) - 16;
    for (off_t entry = TABLE; entry < end; entry += 32) {
        uint64_t version = word_at(file, entry + 8);
        bool is_version = version != 0 && version >> OWNER_SHIFT == 0 && version % 2 == 0;
        if (word_at(file, entry) > UINT32_MAX && is_version) {
            put_word(file, entry + 8, version | owner << OWNER_SHIFT | 1);
        }
    }
    close(file);
}

static void an_entry_that_can_not_be_had(void) {
    unlink(path);
    tg_limiter *one = made(), *other = made();
    CHECK(check(one, "alice", 1).allowed);
    lock_entries_for(1);
    tg_decision decision;
    CHECK_STATUS(tg_peek(one, "alice", 5, &decision), TG_UNAVAILABLE);
    CHECK(!decision.allowed);
    CHECK_STATUS(tg_refund(one, "alice", 5, 1), TG_UNAVAILABLE);
    /* A check has an answer all the same, by the option. */
    CHECK(!check(one, "alice", 1).allowed);
    tg_counters counters = {.size = sizeof counters};
    OK(tg_limiter_counters(one, &counters));
    CHECK_EQ(counters.unavailable, 1);
    tg_limiter_free(other);
    CHECK(check(one, "alice", 1).allowed);
    tg_limiter_free(one);
    unlink(path);
}

void test_segment(void) {
    snprintf(path, sizeof path, "/dev/shm/tidegate-test-c-segment-%d", (int)getpid());
    tg_options options = options_for(path);
    tg_limiter *limiter = NULL;
    if (opened(POLICY, &options, &limiter) == TG_SEGMENT_UNSUPPORTED) return;
    tg_limiter_free(limiter);
    unlink(path);
    what_is_no_file();
    files_of_others();
    headers();
    what_does_not_suit();
    what_can_not_be_made();
    crowds();
    an_entry_that_can_not_be_had();
}
