/* Proxies, clients and API keys. Which client it is, is for tests/vectors and the core to say. */
#include "test.h"

static const unsigned char PEER[4] = {10, 0, 0, 1};

static tg_proxies *proxies_of(const char *trusted, uint32_t header) {
    tg_proxies *proxies = NULL;
    OK(tg_proxies_new(trusted, strlen(trusted), header, 64, &proxies));
    return proxies;
}

static void who_it_is(void) {
    tg_proxies *proxies = proxies_of("10.0.0.0/8, ::1", TG_X_FORWARDED_FOR);
    const char *list = "192.0.2.1, 2001:db8:1:2:3::4, 10.0.0.2";
    char text[TG_CLIENT_KEY_BYTES];
    size_t len = 0;
    OK(tg_client_key(proxies, PEER, 4, list, strlen(list), text, sizeof text, &len));
    CHECK_TEXT(text, "2001:db8:1:2::/64");
    CHECK_EQ(len, strlen(text));
    OK(tg_client_address(proxies, PEER, 4, list, strlen(list), text, sizeof text, &len));
    CHECK_TEXT(text, "2001:db8:1:2:3::4");
    unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1};
    OK(tg_client_key(proxies, mapped, 16, NULL, 0, text, sizeof text, &len));
    CHECK_TEXT(text, "10.0.0.1");
    CHECK_STATUS(tg_client_key(proxies, PEER, 4, NULL, 0, text, 8, &len), TG_BUFFER_TOO_SMALL);
    CHECK_EQ(len, 8);
    CHECK_STATUS(tg_client_key(proxies, PEER, 3, NULL, 0, text, sizeof text, &len), TG_OPTIONS);
    CHECK_STATUS(tg_client_address(proxies, PEER, 0, NULL, 0, text, sizeof text, &len), TG_OPTIONS);
    CHECK_STATUS(tg_client_key(proxies, NULL, 4, NULL, 0, text, sizeof text, &len), TG_NULL);
    CHECK_STATUS(tg_client_key(NULL, PEER, 4, NULL, 0, text, sizeof text, &len), TG_NULL);
    CHECK_STATUS(tg_client_address(NULL, PEER, 4, NULL, 0, text, sizeof text, &len), TG_NULL);
    CHECK_STATUS(tg_client_key(proxies, PEER, 4, NULL, 1, text, sizeof text, &len), TG_NULL);
    tg_proxies_free(proxies);
    tg_proxies_free(NULL);
}

static void which_header_it_is(void) {
    tg_proxies *proxies = proxies_of("10.0.0.1", TG_FORWARDED);
    const char *list = "for=\"[2001:db8::1]:80\";proto=https";
    char text[TG_CLIENT_KEY_BYTES];
    size_t len = 0;
    OK(tg_client_key(proxies, PEER, 4, list, strlen(list), text, sizeof text, &len));
    CHECK_TEXT(text, "2001:db8::/64");
    tg_proxies_free(proxies);
}

static void what_is_no_proxy(void) {
    tg_proxies *proxies = (tg_proxies *)PEER;
    CHECK_STATUS(tg_proxies_new("10.0.0.1/8", 10, TG_X_FORWARDED_FOR, 64, &proxies), TG_OPTIONS);
    CHECK(proxies == NULL);
    CHECK_STATUS(tg_proxies_new("", 0, 2, 64, &proxies), TG_OPTIONS);
    CHECK_STATUS(tg_proxies_new("", 0, TG_FORWARDED, 129, &proxies), TG_OPTIONS);
    CHECK_STATUS(tg_proxies_new("", 0, TG_FORWARDED, 1000, &proxies), TG_OPTIONS);
    CHECK_STATUS(tg_proxies_new("\xff", 1, TG_FORWARDED, 64, &proxies), TG_UTF8);
    CHECK_STATUS(tg_proxies_new("", 0, TG_FORWARDED, 64, NULL), TG_NULL);
}

static void api_keys(void) {
    const char *authorization = "Bearer s3cret", *own = "k-1";
    const char *key = NULL;
    size_t len = 0;
    OK(tg_api_key(authorization, strlen(authorization), own, strlen(own), &key, &len));
    CHECK(key == authorization + 7 && len == 6);
    OK(tg_api_key(NULL, 0, own, strlen(own), &key, &len));
    CHECK(key == own && len == 3);
    OK(tg_api_key("Basic dTpw", 10, NULL, 0, &key, &len));
    CHECK(key == NULL && len == 0);
    OK(tg_api_key(NULL, 0, "192.0.2.7", 9, &key, &len));
    CHECK(key == NULL && len == 0);
    CHECK_STATUS(tg_api_key(NULL, 1, NULL, 0, &key, &len), TG_NULL);
    CHECK_STATUS(tg_api_key(NULL, 0, NULL, 0, NULL, &len), TG_NULL);
    CHECK_STATUS(tg_api_key(NULL, 0, NULL, 0, &key, NULL), TG_NULL);
}

void test_address(void) {
    who_it_is();
    which_header_it_is();
    what_is_no_proxy();
    api_keys();
}
