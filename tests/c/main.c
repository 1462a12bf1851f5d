/* Every function of the C library, every status that can be had, and the vectors. */
#include "test.h"

#include <stdlib.h>

int failures;

void fail(const char *file, int line, const char *what) {
    failures++;
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
}

void check_eq(const char *file, int line, const char *what, uint64_t found, uint64_t wanted) {
    if (found == wanted) return;
    failures++;
    fprintf(stderr, "%s:%d: %s is %" PRIu64 ", not %" PRIu64 "\n", file, line, what, found, wanted);
}

void check_status(const char *file, int line, const char *what, tg_status found, tg_status wanted) {
    if (found == wanted) return;
    char said[512];
    tg_last_error(said, sizeof said);
    failures++;
    fprintf(stderr, "%s:%d: %s gives %s, not %s; the last error: %s\n", file, line, what,
            tg_status_name(found), tg_status_name(wanted), said);
}

void check_text(const char *file, int line, const char *what, const char *found, const char *wanted) {
    if (found && wanted ? strcmp(found, wanted) == 0 : found == wanted) return;
    failures++;
    fprintf(stderr, "%s:%d: %s is\n  %s\nnot\n  %s\n", file, line, what, found ? found : "NULL",
            wanted ? wanted : "NULL");
}

tg_limiter *limiter_by(const char *policy, tg_manual_clock *clock) {
    tg_options options;
    tg_options_init(&options);
    options.manual_clock = clock;
    tg_limiter *limiter = NULL;
    OK(tg_limiter_new(policy, strlen(policy), &options, &limiter));
    if (!limiter) exit(1);
    return limiter;
}

tg_decision check(const tg_limiter *limiter, const char *key, uint64_t cost) {
    tg_decision decision;
    OK(tg_check(limiter, key, strlen(key), cost, &decision));
    return decision;
}

int main(void) {
    test_status();
    test_limiter();
    test_options();
    test_decide();
    test_many();
    test_headers();
    test_address();
    test_segment();
    test_threads();
    test_vectors();
    if (failures) fprintf(stderr, "%d failed\n", failures);
    return failures != 0;
}
