// Asks a server for one thing again and again over keep-alive connections, throws the bodies away, and prints what came
// as JSON. One thread, no library, one read for most answers, and what is longer is dropped by the kernel and not copied:
// it takes less of the machine than any server it is used on.
//
// Usage: load PORT CONNECTIONS SECONDS STATUS METHOD PATH [HEADER...]
//
// Each answer must have that status and the length that it announces. After SECONDS it stops where it is, in the middle
// of an answer too; with 0 each connection asks once and waits for the end.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 4096, BODY = 72 * 1024, DROP = 8 * 1024 * 1024, READS = 8, EVENTS = 64, STEPS = 64, POWERS = 48 };

struct connection {
  int fd;
  int in_body;
  size_t have;       // of the head
  long long left;    // of the body
  uint64_t asked_at; // in ns
  char head[HEAD + 1];
};

static char request[16384];
static size_t request_length;
static int wanted_status, is_head, once;
static char body[BODY];
static long long requests, bytes;
static int open_connections;
// Of the times in us: each power of two is divided into equal steps, so an error is at most 1.6 %.
static long long times[POWERS * STEPS];

static void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(1);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void note(uint64_t nanoseconds) {
  uint64_t us = nanoseconds / 1000;
  int power = 0;
  while ((us >> power) >= 2 * STEPS) power++;
  size_t place = us < STEPS ? us : (size_t)power * STEPS + (us >> power);
  size_t last = sizeof times / sizeof *times - 1;
  times[place < last ? place : last]++;
}

// In ms.
static double percentile(double share) {
  long long before = 0;
  for (size_t place = 0; place < sizeof times / sizeof *times; place++) {
    before += times[place];
    if (before == 0 || (double)before < share * (double)requests) continue;
    int power = place < 2 * STEPS ? 0 : (int)(place / STEPS) - 1;
    return (double)((place - (size_t)power * STEPS) << power) / 1000;
  }
  return 0;
}

static void ask(struct connection *to) {
  to->in_body = 0;
  to->have = 0;
  to->asked_at = now();
  if (send(to->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) fail("A request was not taken");
}

static void finish(struct connection *of) {
  requests++;
  note(now() - of->asked_at);
  if (!once) return ask(of);
  close(of->fd);
  of->fd = -1;
  open_connections--;
}

// The length of the body that follows, or -1 while the head is not complete. `extra` are bytes that follow it already.
static long long parse(struct connection *of, size_t *extra) {
  of->head[of->have] = 0;
  char *end = strstr(of->head, "\r\n\r\n");
  if (!end) {
    if (of->have == HEAD) fail("The head of an answer is longer than %d bytes", HEAD);
    return -1;
  }
  *extra = of->have - (size_t)(end + 4 - of->head);
  int status = atoi(of->head + 9);
  if (status != wanted_status) {
    end[2] = 0;
    fail("The server answered not %d but: %s", wanted_status, of->head);
  }
  if (is_head || status == 304 || status == 204) return 0;
  char *field = strcasestr(of->head, "\r\ncontent-length:");
  if (!field || field > end) fail("An answer does not say its length");
  return atoll(field + strlen("\r\ncontent-length:"));
}

static void take(struct connection *from) {
  for (int reads = 0; reads < READS && from->fd >= 0; reads++) {
    size_t room = HEAD - from->have;
    struct iovec parts[] = {{from->head + from->have, room}, {body, BODY}};
    ssize_t got = from->in_body ? recv(from->fd, NULL, DROP, MSG_TRUNC) : readv(from->fd, parts, 2);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) fail("The server closed a connection before the end of an answer");
    size_t fresh = (size_t)got;
    if (!from->in_body) {
      size_t behind = fresh > room ? fresh - room : 0;
      size_t extra = 0;
      from->have += fresh - behind;
      from->left = parse(from, &extra);
      if (from->left < 0) continue;
      from->in_body = 1;
      fresh = extra + behind;
    }
    from->left -= (long long)fresh;
    bytes += (long long)fresh;
    if (from->left < 0) fail("More bytes came than were announced");
    if (from->left == 0) finish(from);
    if (got < BODY) return;
  }
}

static int dial(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("Cannot connect to port %d", port);
  int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

int main(int count, char **args) {
  if (count < 7) fail("Usage: load PORT CONNECTIONS SECONDS STATUS METHOD PATH [HEADER...]");
  int port = atoi(args[1]), connections = atoi(args[2]);
  double limit = atof(args[3]);
  wanted_status = atoi(args[4]);
  is_head = strcmp(args[5], "HEAD") == 0;
  once = limit == 0;
  size_t length = (size_t)snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n", args[5], args[6], port);
  for (int index = 7; index < count && length < sizeof request; index++)
    length += (size_t)snprintf(request + length, sizeof request - length, "%s\r\n", args[index]);
  if (length + 2 >= sizeof request) fail("The request is too long");
  memcpy(request + length, "\r\n", 2);
  request_length = length + 2;

  int poll = epoll_create1(0);
  struct connection *all = calloc((size_t)connections, sizeof *all);
  if (poll < 0 || !all) fail("No memory");
  for (int index = 0; index < connections; index++) all[index].fd = dial(port);
  uint64_t began = now(), end = began + (uint64_t)(limit * 1e9);
  for (int index = 0; index < connections; index++) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[index]};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, all[index].fd, &event) != 0) fail("Cannot wait for a connection");
    open_connections++;
    ask(&all[index]);
  }
  struct epoll_event events[EVENTS];
  while (once ? open_connections > 0 : now() < end) {
    int ready = epoll_wait(poll, events, EVENTS, 100);
    for (int index = 0; index < ready; index++) take(events[index].data.ptr);
  }
  double seconds = (double)(now() - began) / 1e9;
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  printf("{\"count\":%lld,\"bytes\":%lld,\"seconds\":%f,\"cpu\":%f,\"p50\":%f,\"p99\":%f,\"p999\":%f}\n", requests,
         bytes, seconds, cpu, percentile(0.5), percentile(0.99), percentile(0.999));
  return 0;
}
