/* A server whose every request is within a quota, on libmicrohttpd:
 *
 *   httpd [--policy NOTATION] [--policy-file FILE] [--segment PATH] [--max-body BYTES] [--port N]
 *
 * Each API key has a quota of its own, callers without one share that of their address. (A real server
 * looks first whether the key is one that it gave out.) */

#include <arpa/inet.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tidegate.h>

enum {
    STYLES = TG_STYLE_X_RATELIMIT | TG_STYLE_IETF,
    /* A body that is too large is read on to its end, so that its sender sees the answer; up to here. */
    PATIENCE = 1 << 20,
};

static tg_limiter *limiter;
static tg_proxies *nobody; /* No proxy stands before this server. */
static uint64_t max_body;

/* What is known of a request between the calls for its parts. */
struct request {
    tg_decision decision;
    uint64_t received;
    const char *key; /* In a header of the request, or the address below. */
    size_t key_len;
    char address[TG_CLIENT_KEY_BYTES];
};

static const char *header(struct MHD_Connection *connection, const char *name) {
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static size_t length(const char *text) {
    return text ? strlen(text) : 0;
}

/* The address of the other end, to count by: an IPv6 one by its network. */
static bool find_address(struct MHD_Connection *connection, struct request *request) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *peer = info->client_addr;
    bool is_v4 = peer->sa_family == AF_INET;
    const void *bytes = is_v4 ? (const void *)&((const struct sockaddr_in *)peer)->sin_addr
                              : (const void *)&((const struct sockaddr_in6 *)peer)->sin6_addr;
    request->key = request->address;
    return tg_client_key(nobody, bytes, is_v4 ? 4 : 16, NULL, 0, request->address, sizeof request->address,
                         &request->key_len) == TG_OK;
}

/* Whom the quota is for: the API key, or the address of a caller who shows none. */
static bool find_key(struct MHD_Connection *connection, struct request *request) {
    const char *authorization = header(connection, "Authorization"), *given = header(connection, "X-API-Key");
    return tg_api_key(authorization, length(authorization), given, length(given), &request->key,
                      &request->key_len) == TG_OK &&
           (request->key || find_address(connection, request));
}

static void add_header(void *response, const char *name, size_t name_len, const char *value, size_t value_len) {
    (void)name_len, (void)value_len;
    MHD_add_response_header(response, name, value);
}

/* The answer with this text. A decision that is there adds its headers. */
static enum MHD_Result answer(struct MHD_Connection *connection, const tg_decision *decision,
                              const tg_body_head *head, char *text, size_t len) {
    struct MHD_Response *response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO;
    MHD_add_response_header(response, "Content-Type", head->content_type);
    if (head->cache_control) MHD_add_response_header(response, "Cache-Control", head->cache_control);
    if (decision) tg_headers_each(decision, STYLES, 0, add_header, response);
    enum MHD_Result result = MHD_queue_response(connection, head->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result welcome(struct MHD_Connection *connection, const struct request *request) {
    char text[64];
    tg_body_head head = {.size = sizeof head, .status = 200, .content_type = "text/plain"};
    int len = snprintf(text, sizeof text, "Welcome. Your body had %" PRIu64 " bytes.\n", request->received);
    return answer(connection, &request->decision, &head, text, (size_t)len);
}

/* 429, as the message or as a problem: whichever the caller accepts. */
static enum MHD_Result too_many(struct MHD_Connection *connection, const tg_decision *decision) {
    char text[512];
    size_t len;
    tg_body_head head = {.size = sizeof head};
    const char *accept = header(connection, "Accept");
    if (tg_body(decision, accept, length(accept), 0, &head, text, sizeof text, &len) != TG_OK)
        return MHD_NO;
    return answer(connection, decision, &head, text, len);
}

/* 413, which costs no quota. */
static enum MHD_Result too_large(struct MHD_Connection *connection) {
    char text[256];
    size_t len;
    tg_body_head head = {.size = sizeof head};
    if (tg_body_too_large(max_body, &head, text, sizeof text, &len) != TG_OK) return MHD_NO;
    return answer(connection, NULL, &head, text, len);
}

/* The head is there, the body not yet: whatever is refused is refused before it is read. */
static enum MHD_Result begin(struct MHD_Connection *connection, struct request *request) {
    const char *declared = header(connection, "Content-Length");
    if (declared && strtoull(declared, NULL, 10) > max_body) return too_large(connection);
    if (!find_key(connection, request)) return MHD_NO;
    if (tg_check(limiter, request->key, request->key_len, 1, &request->decision) != TG_OK) return MHD_NO;
    return request->decision.allowed ? MHD_YES : too_many(connection, &request->decision);
}

/* A body without a declared length can grow too large: then the unit is given back. */
static enum MHD_Result take(struct request *request, size_t size) {
    bool was_fine = request->received <= max_body;
    request->received += size;
    if (was_fine && request->received > max_body) tg_refund(limiter, request->key, request->key_len, 1);
    return request->received <= max_body || request->received - max_body < PATIENCE ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_request(void *unused, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **state) {
    (void)unused, (void)url, (void)method, (void)version, (void)data;
    struct request *request = *state;
    if (!request) {
        *state = request = calloc(1, sizeof *request);
        return request ? begin(connection, request) : MHD_NO;
    }
    if (*size) {
        size_t taken = *size;
        *size = 0;
        return take(request, taken);
    }
    return request->received > max_body ? too_large(connection) : welcome(connection, request);
}

static void on_end(void *unused, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode code) {
    (void)unused, (void)connection, (void)code;
    free(*state);
}

static void give_up(void) {
    char said[1024];
    tg_last_error(said, sizeof said);
    fprintf(stderr, "httpd: %s\n", said);
    exit(1);
}

/* Whether these are options of ours, each with its value. */
static bool understood(int count, char **arguments) {
    static const char *const known[] = {"--policy", "--policy-file", "--segment", "--max-body", "--port"};
    for (int i = 1; i < count; i += 2) {
        size_t option = 0;
        while (option < sizeof known / sizeof *known && strcmp(known[option], arguments[i]) != 0) option++;
        if (option == sizeof known / sizeof *known) return false;
    }
    return count % 2 == 1;
}

/* The value of an option, or the default. */
static const char *option(int count, char **arguments, const char *name, const char *otherwise) {
    for (int i = 1; i + 1 < count; i += 2)
        if (strcmp(arguments[i], name) == 0) return arguments[i + 1];
    return otherwise;
}

static void make_limiter(int count, char **arguments) {
    const char *policy = option(count, arguments, "--policy", "100/minute; 10/second token-bucket");
    tg_options options;
    tg_options_init(&options);
    options.policy_file = option(count, arguments, "--policy-file", NULL);
    options.policy_file_len = length(options.policy_file);
    options.segment = option(count, arguments, "--segment", NULL);
    options.segment_len = length(options.segment);
    if (tg_limiter_new(policy, strlen(policy), &options, &limiter) != TG_OK) give_up();
    if (tg_proxies_new("", 0, TG_X_FORWARDED_FOR, 64, &nobody) != TG_OK) give_up();
    const char *most = option(count, arguments, "--max-body", NULL);
    max_body = most ? strtoull(most, NULL, 10) : tg_limiter_max_body(limiter);
}

int main(int count, char **arguments) {
    if (!understood(count, arguments)) {
        fprintf(stderr, "usage: httpd [--policy NOTATION] [--policy-file FILE] [--segment PATH] "
                        "[--max-body BYTES] [--port N]\n");
        return 2;
    }
    make_limiter(count, arguments);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);

    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    here.sin_port = htons((uint16_t)atoi(option(count, arguments, "--port", "8080")));
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, NULL,
                         MHD_OPTION_SOCK_ADDR, &here, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL,
                         MHD_OPTION_THREAD_POOL_SIZE, 4u, MHD_OPTION_END);
    if (!daemon) return perror("httpd: cannot listen"), 1;
    printf("http://127.0.0.1:%d/\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);

    int signal;
    sigwait(&ends, &signal);
    MHD_stop_daemon(daemon);
    tg_proxies_free(nobody);
    tg_limiter_free(limiter);
    return 0;
}
