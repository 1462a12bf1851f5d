/* Versions, names of statuses, the text of the last error, panics. */
#include "test.h"

static void versions_agree(void) {
    char numbers[64];
    snprintf(numbers, sizeof numbers, "%d.%d.%d", TG_VERSION_MAJOR, TG_VERSION_MINOR, TG_VERSION_PATCH);
    CHECK(strncmp(TG_VERSION, numbers, strlen(numbers)) == 0);
    CHECK_TEXT(tg_version(), TG_VERSION);
    CHECK_EQ(tg_abi_version(), TG_ABI_VERSION);
#ifdef WANTED_VERSION
    CHECK_TEXT(tg_version(), WANTED_VERSION);
#endif
}

static void statuses_have_names(void) {
    CHECK_TEXT(tg_status_name(TG_OK), "ok");
    CHECK_TEXT(tg_status_name(TG_EMPTY_KEY), "empty-key");
    CHECK_TEXT(tg_status_name(TG_SEGMENT_IO), "segment-io");
    CHECK_TEXT(tg_status_name(-1), "unknown");
    CHECK_TEXT(tg_status_name(77777), "unknown");
}

/* Whatever room there is, the text ends in NUL and nothing is written behind it. */
static void the_last_error_fits_any_buffer(void) {
    tg_limiter *limiter = NULL;
    const char *policy = "100/minüte";
    CHECK_STATUS(tg_limiter_new(policy, strlen(policy), NULL, &limiter), TG_NOTATION);
    CHECK(limiter == NULL);
    char whole[512];
    size_t len = tg_last_error(whole, sizeof whole);
    CHECK(len > 20 && len < sizeof whole);
    CHECK_EQ(strlen(whole), len);
    CHECK(strstr(whole, "minüte") != NULL);
    CHECK_EQ(tg_last_error(NULL, 0), len);
    CHECK_EQ(tg_last_error(NULL, 7), len);
    for (size_t cap = 1; cap <= len + 2; cap++) {
        char cut[512];
        memset(cut, '#', sizeof cut);
        CHECK_EQ(tg_last_error(cut, cap), len);
        size_t kept = strlen(cut);
        CHECK(kept < cap && strncmp(cut, whole, kept) == 0 && cut[cap] == '#');
        /* Between characters: what follows is not the middle of one. */
        CHECK((whole[kept] & 0xC0) != 0x80);
    }
}

static void success_keeps_the_last_error(void) {
    tg_limiter *limiter = limiter_by("1/minute", NULL);
    tg_decision decision;
    CHECK_STATUS(tg_check(limiter, "", 0, 1, &decision), TG_EMPTY_KEY);
    size_t len = tg_last_error(NULL, 0);
    check(limiter, "alice", 1);
    CHECK_EQ(tg_last_error(NULL, 0), len);
    tg_limiter_free(limiter);
}

void test_status(void) {
    CHECK_EQ(tg_last_error(NULL, 0), 0);
    versions_agree();
    statuses_have_names();
    the_last_error_fits_any_buffer();
    success_keeps_the_last_error();
#ifdef TG_TEST_PANIC
    char said[128];
    CHECK_STATUS(tg_test_panic(), TG_PANIC);
    tg_last_error(said, sizeof said);
    CHECK_TEXT(said, "a fault in tidegate, please report it: as the test asked");
#endif
}
