/* The proxy's thread: poll over the listener and all links, whole messages forwarded one by one. */
#include "tests/harness/tcp_proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "common/list.h"
#include "common/str.h"

#define LINKS_MAX 64
#define CHUNK_BYTES 65536

/* One direction of a link: what has come in and is no whole message yet, and
 * what waits to go out. */
typedef struct Flow {
    Str in;
    Str out;
} Flow;

typedef struct Link {
    int client;
    int server;
    bool has_started; /* the client's first message, which has no type byte, is through */
    Flow to_server;
    Flow to_client;
} Link;

struct TcpProxy {
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows up to `torn` */
    ProxyTear tear;
    unsigned commits_left;
    bool is_frozen;
    bool is_stopping;
    int target_port;
    unsigned torn;
    int listener;
    int control;
    int port;
    Link *links[LINKS_MAX];
    size_t link_count;
};

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)port),
    };
}

static void control_raise(TcpProxy *proxy)
{
    uint64_t one = 1;
    ssize_t written = write(proxy->control, &one, sizeof(one));
    (void)written;
}

static void link_free(Link *link)
{
    close(link->client);
    close(link->server);
    str_done(&link->to_server.in);
    str_done(&link->to_server.out);
    str_done(&link->to_client.in);
    str_done(&link->to_client.out);
    free(link);
}

static int target_port(TcpProxy *proxy)
{
    pthread_mutex_lock(&proxy->mutex);
    int port = proxy->target_port;
    pthread_mutex_unlock(&proxy->mutex);
    return port;
}

static void link_accept(TcpProxy *proxy)
{
    struct sockaddr_in address = loopback(target_port(proxy));
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0 || proxy->link_count == LINKS_MAX ||
        connect(server, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(client);
        close(server);
        return;
    }
    fcntl(server, F_SETFL, O_NONBLOCK);
    Link *link = mem_alloc(sizeof(*link));
    link->client = client;
    link->server = server;
    proxy->links[proxy->link_count++] = link;
}

/* Length of the first message in `in`, 0 when it is not complete. */
static size_t message_length(const Str *in, bool has_type)
{
    size_t head = has_type ? 5 : 4;
    if (in->length < head) {
        return 0;
    }
    const unsigned char *bytes = (const unsigned char *)in->data + head - 4;
    size_t length =
        ((size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3]) +
        head - 4;
    return in->length < length ? 0 : length;
}

static bool message_has(const char *message, size_t length, const char *text)
{
    return memmem(message, length, text, strlen(text)) != NULL;
}

/* Is this the COMMIT to tear at? Counts it. */
static bool commit_is_due(TcpProxy *proxy, ProxyTear tear)
{
    pthread_mutex_lock(&proxy->mutex);
    bool is_due = proxy->tear == tear && --proxy->commits_left == 0;
    if (is_due) {
        proxy->tear = PROXY_PASS;
        proxy->torn++;
    }
    pthread_mutex_unlock(&proxy->mutex);
    return is_due;
}

static void first_remove(Str *text, size_t length)
{
    memmove(text->data, text->data + length, text->length - length + 1);
    text->length -= length;
}

/* Moves whole messages from in to out. True: tear here; what is in `out` still goes. */
static bool to_server_move(TcpProxy *proxy, Link *link)
{
    Flow *flow = &link->to_server;
    size_t length = 0;
    while ((length = message_length(&flow->in, link->has_started)) > 0) {
        bool is_statement =
            link->has_started && (flow->in.data[0] == 'P' || flow->in.data[0] == 'Q');
        if (is_statement && length < 32 && message_has(flow->in.data, length, "COMMIT") &&
            commit_is_due(proxy, PROXY_TEAR_BEFORE_COMMIT)) {
            return true;
        }
        link->has_started = true;
        str_append_bytes(&flow->out, flow->in.data, length);
        first_remove(&flow->in, length);
    }
    return false;
}

static bool to_client_move(TcpProxy *proxy, Link *link)
{
    Flow *flow = &link->to_client;
    size_t length = 0;
    while (flow->in.length > 0) {
        if (!link->has_started) {
            return false;
        }
        length = message_length(&flow->in, true);
        if (length == 0) {
            return false;
        }
        if (flow->in.data[0] == 'C' && message_has(flow->in.data, length, "COMMIT") &&
            commit_is_due(proxy, PROXY_TEAR_AFTER_COMMIT)) {
            return true;
        }
        str_append_bytes(&flow->out, flow->in.data, length);
        first_remove(&flow->in, length);
    }
    return false;
}

/* False: the peer is gone. */
static bool bytes_read(int fd, Str *in)
{
    static _Thread_local char chunk[CHUNK_BYTES];
    ssize_t got = read(fd, chunk, sizeof(chunk));
    if (got > 0) {
        str_append_bytes(in, chunk, (size_t)got);
    }
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool bytes_write(int fd, Str *out)
{
    if (out->length == 0) {
        return true;
    }
    ssize_t sent = send(fd, out->data, out->length, MSG_NOSIGNAL);
    if (sent > 0) {
        first_remove(out, (size_t)sent);
    }
    return sent > 0 || (sent < 0 && (errno == EAGAIN || errno == EINTR));
}

/* What stands before the torn COMMIT reaches the server before the line is cut. */
static void server_flush(Link *link)
{
    fcntl(link->server, F_SETFL, 0);
    while (link->to_server.out.length > 0 && bytes_write(link->server, &link->to_server.out)) {
    }
}

/* False: the link is over. */
static bool link_turn(TcpProxy *proxy, Link *link, const struct pollfd *client,
                      const struct pollfd *server)
{
    if ((client->revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
        !bytes_read(link->client, &link->to_server.in)) {
        return false;
    }
    if ((server->revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
        !bytes_read(link->server, &link->to_client.in)) {
        bytes_write(link->client, &link->to_client.out);
        return false;
    }
    if (to_server_move(proxy, link)) {
        server_flush(link);
        return false;
    }
    if (to_client_move(proxy, link)) {
        return false;
    }
    return bytes_write(link->server, &link->to_server.out) &&
           bytes_write(link->client, &link->to_client.out);
}

static bool is_frozen(TcpProxy *proxy, bool *ret_is_stopping)
{
    pthread_mutex_lock(&proxy->mutex);
    bool frozen = proxy->is_frozen;
    *ret_is_stopping = proxy->is_stopping;
    pthread_mutex_unlock(&proxy->mutex);
    return frozen;
}

static void links_poll(TcpProxy *proxy, bool frozen)
{
    struct pollfd polled[2 + 2 * LINKS_MAX] = {
        { .fd = proxy->control, .events = POLLIN },
        { .fd = frozen ? -1 : proxy->listener, .events = POLLIN },
    };
    size_t count = proxy->link_count;
    for (size_t i = 0; i < count; i++) {
        Link *link = proxy->links[i];
        polled[2 + 2 * i] = (struct pollfd){
            .fd = frozen ? -1 : link->client,
            .events = (short)(POLLIN | (link->to_client.out.length > 0 ? POLLOUT : 0)),
        };
        polled[3 + 2 * i] = (struct pollfd){
            .fd = frozen ? -1 : link->server,
            .events = (short)(POLLIN | (link->to_server.out.length > 0 ? POLLOUT : 0)),
        };
    }
    poll(polled, 2 + 2 * count, -1);
    uint64_t raises = 0;
    if (polled[0].revents != 0 && read(proxy->control, &raises, sizeof(raises)) < 0) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        Link *link = proxy->links[i];
        if (frozen || link_turn(proxy, link, &polled[2 + 2 * i], &polled[3 + 2 * i])) {
            proxy->links[kept++] = link;
        } else {
            link_free(link);
        }
    }
    proxy->link_count = kept;
    if (polled[1].revents != 0) {
        link_accept(proxy);
    }
}

static void *proxy_live(void *ctx)
{
    TcpProxy *proxy = ctx;
    bool is_stopping = false;
    while (true) {
        bool frozen = is_frozen(proxy, &is_stopping);
        if (is_stopping) {
            return NULL;
        }
        links_poll(proxy, frozen);
    }
}

TcpProxy *tcp_proxy_start(int target_port)
{
    TcpProxy *proxy = mem_alloc(sizeof(*proxy));
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);
    pthread_mutex_init(&proxy->mutex, NULL);
    proxy->target_port = target_port;
    proxy->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(proxy->listener, LINKS_MAX), 0);
    assert_int_equal(getsockname(proxy->listener, (struct sockaddr *)&address, &length), 0);
    proxy->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&proxy->thread, NULL, proxy_live, proxy), 0);
    return proxy;
}

void tcp_proxy_stop(TcpProxy *proxy)
{
    if (proxy == NULL) {
        return;
    }
    pthread_mutex_lock(&proxy->mutex);
    proxy->is_stopping = true;
    pthread_mutex_unlock(&proxy->mutex);
    control_raise(proxy);
    pthread_join(proxy->thread, NULL);
    for (size_t i = 0; i < proxy->link_count; i++) {
        link_free(proxy->links[i]);
    }
    close(proxy->listener);
    close(proxy->control);
    pthread_mutex_destroy(&proxy->mutex);
    free(proxy);
}

int tcp_proxy_port(const TcpProxy *proxy)
{
    return proxy->port;
}

void tcp_proxy_retarget(TcpProxy *proxy, int port)
{
    pthread_mutex_lock(&proxy->mutex);
    proxy->target_port = port;
    pthread_mutex_unlock(&proxy->mutex);
}

void tcp_proxy_tear(TcpProxy *proxy, ProxyTear tear, unsigned nth)
{
    pthread_mutex_lock(&proxy->mutex);
    proxy->tear = tear;
    proxy->commits_left = nth;
    pthread_mutex_unlock(&proxy->mutex);
}

unsigned tcp_proxy_torn(TcpProxy *proxy)
{
    pthread_mutex_lock(&proxy->mutex);
    unsigned torn = proxy->torn;
    pthread_mutex_unlock(&proxy->mutex);
    return torn;
}

void tcp_proxy_freeze(TcpProxy *proxy, int frozen)
{
    pthread_mutex_lock(&proxy->mutex);
    proxy->is_frozen = frozen != 0;
    pthread_mutex_unlock(&proxy->mutex);
    control_raise(proxy);
}
