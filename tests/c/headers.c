/* Headers and bodies; that they say the right thing is for the vectors to show. */
#include "test.h"

static const char WANTED[] = "X-RateLimit-Limit: 1\r\n"
                             "X-RateLimit-Remaining: 0\r\n"
                             "X-RateLimit-Reset: 61\r\n"
                             "Retry-After: 90\r\n";

static void one_header(void *user, const char *name, size_t name_len, const char *value, size_t value_len) {
    char *all = user;
    CHECK(strlen(name) == name_len && strlen(value) == value_len);
    sprintf(all + strlen(all), "%s: %s\r\n", name, value);
}

static void headers_at_once_or_one_by_one(const tg_decision *denied) {
    char text[256], each[256] = "";
    size_t len = 0;
    OK(tg_headers(denied, TG_STYLE_X_RATELIMIT, 90, text, sizeof text, &len));
    CHECK_TEXT(text, WANTED);
    CHECK_EQ(len, strlen(WANTED));
    OK(tg_headers_each(denied, TG_STYLE_X_RATELIMIT, 90, one_header, each));
    CHECK_TEXT(each, WANTED);
    OK(tg_headers(denied, 0, 1, text, sizeof text, &len)); /* a shorter wait changes nothing */
    CHECK_TEXT(text, "Retry-After: 60\r\n");
    for (size_t cap = 0; cap <= len; cap++) {
        memset(text, '#', sizeof text);
        CHECK_STATUS(tg_headers(denied, 0, 0, text, cap, &len), TG_BUFFER_TOO_SMALL);
        CHECK(len == 17 && text[0] == '#');
    }
    OK(tg_headers(denied, 0, 0, text, len + 1, &len));
    CHECK_STATUS(tg_headers(denied, 8, 0, text, sizeof text, &len), TG_STYLE);
    CHECK_STATUS(tg_headers_each(denied, 8, 0, one_header, each), TG_STYLE);
    CHECK_STATUS(tg_headers_each(denied, 1, 0, NULL, NULL), TG_NULL);
    CHECK_STATUS(tg_headers(NULL, 1, 0, text, sizeof text, &len), TG_NULL);
    CHECK_STATUS(tg_headers(denied, 1, 0, NULL, sizeof text, &len), TG_NULL);
    CHECK_STATUS(tg_headers(denied, 1, 0, text, sizeof text, NULL), TG_NULL);
    CHECK_STATUS(tg_headers_each(NULL, 1, 0, one_header, each), TG_NULL);
}

static void body_of_a_denial(const tg_decision *denied) {
    char text[256];
    size_t len = 0;
    tg_body_head head = {.size = sizeof head};
    OK(tg_body(denied, NULL, 0, 90, &head, text, sizeof text, &len));
    CHECK_TEXT(text, "{\"message\":\"Rate limit exceeded. Try again in 90 seconds.\",\"status\":\"error\"}");
    CHECK_EQ(head.status, 429);
    CHECK_TEXT(head.content_type, "application/json");
    CHECK_TEXT(head.cache_control, "no-store");
    const char *accept = "application/problem+json, */*;q=0.1";
    OK(tg_body(denied, accept, strlen(accept), 0, &head, text, sizeof text, &len));
    CHECK_TEXT(head.content_type, "application/problem+json");
    CHECK(strstr(text, "\"violated-policies\":[\"minute\"]") != NULL);
    OK(tg_body(denied, "\xff\xfe", 2, 0, NULL, text, sizeof text, &len)); /* as if it weren't there */
    CHECK(strstr(text, "60 seconds") != NULL);
    CHECK_STATUS(tg_body(denied, NULL, 0, 0, &head, text, 5, &len), TG_BUFFER_TOO_SMALL);
    CHECK_EQ(len, 76);
    CHECK_STATUS(tg_body(denied, NULL, 1, 0, &head, text, sizeof text, &len), TG_NULL);
    CHECK_STATUS(tg_body(NULL, NULL, 0, 0, &head, text, sizeof text, &len), TG_NULL);
    CHECK_STATUS(tg_body(denied, NULL, 0, 0, &head, text, sizeof text, NULL), TG_NULL);
    head.size = 0;
    CHECK_STATUS(tg_body(denied, NULL, 0, 0, &head, text, sizeof text, &len), TG_STRUCT_SIZE);
}

static void an_admission_has_no_body(const tg_decision *allowed) {
    char text[8] = "#######";
    size_t len = 9;
    tg_body_head head = {.size = sizeof head, .status = 1};
    OK(tg_body(allowed, NULL, 0, 0, &head, text, sizeof text, &len));
    CHECK(len == 0 && text[0] == 0 && head.status == 0 && head.content_type == NULL);
}

static void too_large(void) {
    char text[128];
    size_t len = 0;
    tg_body_head head = {.size = sizeof head};
    OK(tg_body_too_large(5000000, &head, text, sizeof text, &len));
    CHECK_TEXT(text, "{\"message\":\"Request body too large. The limit is 5 MB.\",\"status\":\"error\"}");
    CHECK_EQ(head.status, 413);
    OK(tg_body_too_large(1, NULL, text, sizeof text, &len));
    CHECK_STATUS(tg_body_too_large(1, &head, text, 1, &len), TG_BUFFER_TOO_SMALL);
    CHECK_STATUS(tg_body_too_large(1, &head, text, 128, NULL), TG_NULL);
}

static void styles_are_read(void) {
    uint32_t styles = 0;
    const char *all = "ietf-06, X-RateLimit,ietf";
    OK(tg_styles_parse(all, strlen(all), &styles));
    CHECK_EQ(styles, TG_STYLE_X_RATELIMIT | TG_STYLE_IETF | TG_STYLE_IETF_06);
    CHECK_STATUS(tg_styles_parse("ietf-07", 7, &styles), TG_STYLE);
    CHECK_STATUS(tg_styles_parse("", 0, &styles), TG_STYLE);
    CHECK_STATUS(tg_styles_parse("\xff", 1, &styles), TG_UTF8);
    CHECK_STATUS(tg_styles_parse(NULL, 1, &styles), TG_NULL);
    CHECK_STATUS(tg_styles_parse("ietf", 4, NULL), TG_NULL);
}

static void for_scripts_of_other_origins(void) {
    char text[64];
    size_t len = 0;
    OK(tg_exposed_headers(TG_STYLE_IETF, text, sizeof text, &len));
    CHECK_TEXT(text, "RateLimit-Policy, RateLimit, Retry-After");
    CHECK_STATUS(tg_exposed_headers(16, text, sizeof text, &len), TG_STYLE);
    CHECK_STATUS(tg_exposed_headers(1, text, 3, &len), TG_BUFFER_TOO_SMALL);
}

void test_headers(void) {
    tg_manual_clock *clock;
    OK(tg_manual_clock_new(1000000000, &clock));
    tg_limiter *limiter = limiter_by("1/minute", clock);
    tg_decision allowed = check(limiter, "a", 1), denied = check(limiter, "a", 1), empty;
    memset(&empty, 0, sizeof empty);
    headers_at_once_or_one_by_one(&denied);
    body_of_a_denial(&denied);
    an_admission_has_no_body(&allowed);
    too_large();
    styles_are_read();
    for_scripts_of_other_origins();
    CHECK_EQ(tg_jittered(30, 5, 0), 30);
    CHECK_EQ(tg_jittered(30, 5, UINT64_MAX), 35);
    char text[8];
    size_t len;
    CHECK_STATUS(tg_headers(&empty, 1, 0, text, sizeof text, &len), TG_NO_DECISION);
    CHECK_STATUS(tg_headers_each(&empty, 1, 0, one_header, text), TG_NO_DECISION);
    CHECK_STATUS(tg_body(&empty, NULL, 0, 0, NULL, text, sizeof text, &len), TG_NO_DECISION);
    tg_limiter_free(limiter);
    tg_manual_clock_free(clock);
}
