/*
 * A Runtime API that measures its client (bench/runtime.sh):
 *
 *     runtime_api [-n EVENTS] [-c CPU] [-r RUNS] PROGRAM [ARGUMENT...]
 *
 * Starts PROGRAM, hands it EVENTS events of 100 bytes after 200 to warm up, on one thread and one
 * keep-alive connection, and ends it. -c: server and client on that CPU. Prints, on one line:
 *
 *     invocations per second of the CPU time of both
 *     CPU microseconds of the client per invocation
 *     the client's RSS in KiB at the end
 *
 * With -n 0: the median of RUNS starts, in microseconds from exec to the first GET of an event.
 *
 * Server and machine add little to both sides of a comparison: a request is one recv, a reply one
 * send; the client is started by vfork, as by Lambda's own supervisor (in Go); the server sleeps
 * until the first request arrives; and the two have a network of their own, without the machine's
 * packet filter.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 200, RUNS_MAX = 1000 };

static const char event[] =
    "{\"order\":{\"id\":4711,\"items\":[{\"sku\":\"A-1\",\"count\":2},{\"sku\":\"B-2\","
    "\"count\":1}]},\"source\":\"bench-100\"}";

struct server {
    int listener;
    int connection;
    char address[32];
    char buffer[65536];
    size_t held;
    double exec_time; /* when the client was about to start */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu_seconds(pid_t child)
{
    clockid_t clock;

    if (clock_getcpuclockid(child, &clock) != 0)
        die("clock_getcpuclockid");
    return seconds(clock);
}

/* A loopback device that nobody else uses, without a packet filter and with the plainest TCP. That
 * takes root, or unprivileged user namespaces, which most systems allow; otherwise the machine's
 * own network is used. */
static void open_network(void)
{
    static const char plain[] = "reno";
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};

    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        fprintf(stderr, "runtime_api: in the machine's own network, packet filter included\n");
        return;
    }

    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (any < 0 || ioctl(any, SIOCSIFFLAGS, &loopback) != 0)
        die("lo");
    close(any);

    int file = open("/proc/sys/net/ipv4/tcp_congestion_control", O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, plain, strlen(plain)) < 0)
        fprintf(stderr, "runtime_api: with the machine's own congestion control\n");
    close(file);
}

static void open_server(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int on = 1;

    server->connection = -1;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 ||
        setsockopt(server->listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        setsockopt(server->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof on) != 0 ||
        bind(server->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(server->listener, 8) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    snprintf(server->address, sizeof server->address, "127.0.0.1:%d", ntohs(address.sin_port));
}

static pid_t start(struct server *server, char *const argv[])
{
    setenv("AWS_LAMBDA_RUNTIME_API", server->address, 1);
    setenv("AWS_LAMBDA_FUNCTION_NAME", "bench", 1);
    setenv("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST", 1);
    setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128", 1);
    unsetenv("_HANDLER");

    pid_t child = vfork();
    if (child == 0) {
        server->exec_time = seconds(CLOCK_MONOTONIC); /* in memory that the two still share */
        execv(argv[0], argv);
        _exit(127);
    }
    if (child < 0)
        die("vfork");
    return child;
}

static void end(struct server *server, pid_t child)
{
    kill(child, SIGTERM); /* strace passes it on; SIGKILL is for a client that ignores it */
    for (int i = 0; i < 100 && waitpid(child, NULL, WNOHANG) == 0; i++)
        usleep(1000);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    if (server->connection >= 0)
        close(server->connection);
    server->connection = -1;
    server->held = 0;
}

static void accept_connection(struct server *server)
{
    server->connection = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (server->connection < 0)
        die("accept");
    server->held = 0;
}

/* Size of the request at the buffer's start, or 0 if it isn't complete. Cheap: it dilutes what is
 * measured. */
static size_t request_size(const struct server *server)
{
    static const char name[] = "content-length:";
    const char *line = server->buffer, *end = line + server->held;
    size_t body = 0;

    for (const char *next; (next = memchr(line, '\n', (size_t)(end - line))); line = next + 1) {
        if (next - line < 2) { /* the empty line */
            size_t size = (size_t)(next + 1 - server->buffer) + body;
            return size <= server->held ? size : 0;
        }
        if ((line[0] | 0x20) == 'c' && strncasecmp(line, name, strlen(name)) == 0)
            body = strtoul(line + strlen(name), NULL, 10);
    }
    return 0;
}

/* Wait for a whole request. Returns whether it is a POST. */
static bool receive(struct server *server)
{
    size_t size;

    if (server->connection < 0)
        accept_connection(server);
    while ((size = request_size(server)) == 0) {
        ssize_t count = recv(server->connection, server->buffer + server->held,
                             sizeof server->buffer - server->held - 1, 0);
        if (count <= 0) {
            close(server->connection);
            accept_connection(server);
            continue;
        }
        server->held += (size_t)count;
    }

    bool post = server->buffer[0] == 'P';
    server->held -= size;
    if (server->held)
        memmove(server->buffer, server->buffer + size, server->held);
    return post;
}

static void reply(const struct server *server, const char *text, size_t size)
{
    if (send(server->connection, text, size, MSG_NOSIGNAL) < 0)
        die("send");
}

/* Hand out count events and take the answers. */
static void serve(struct server *server, int count)
{
    static const char accepted[] =
        "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n"
        "{\"status\":\"OK\"}\n";
    char next[2048];

    int size =
        snprintf(next, sizeof next,
                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                 "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
                 "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n"
                 "Lambda-Runtime-Invoked-Function-Arn: "
                 "arn:aws:lambda:us-east-1:123456789012:function:bench\r\n"
                 "Lambda-Runtime-Trace-Id: "
                 "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n"
                 "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(event), event);

    while (count > 0) {
        if (receive(server)) {
            reply(server, accepted, sizeof accepted - 1);
            count--;
        } else {
            reply(server, next, (size_t)size);
        }
    }
}

/* The memory of a process and of the files that it has mapped, in KiB. */
static double resident(pid_t pid)
{
    static const char label[] = "Rss:";
    char path[64];
    char text[4096] = "";

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, text, sizeof text - 1) < 0)
        die(path);
    close(file);

    char *at = strstr(text, label);
    return at ? strtod(at + strlen(label), NULL) : 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure_starts(struct server *server, char *const argv[], int runs)
{
    double times[RUNS_MAX];

    for (int i = 0; i < runs; i++) {
        pid_t child = start(server, argv);
        receive(server);
        times[i] = (seconds(CLOCK_MONOTONIC) - server->exec_time) * 1e6;
        end(server, child);
    }
    qsort(times, (size_t)runs, sizeof *times, compare);
    printf("%.0f\n", times[runs / 2]);
}

static void measure_events(struct server *server, char *const argv[], int events)
{
    pid_t child = start(server, argv);

    serve(server, WARM_UP);
    double client = cpu_seconds(child), own = seconds(CLOCK_PROCESS_CPUTIME_ID);
    serve(server, events);
    client = cpu_seconds(child) - client;
    own = seconds(CLOCK_PROCESS_CPUTIME_ID) - own;
    printf("%.0f %.2f %.0f\n", events / (client + own), client / events * 1e6, resident(child));
    end(server, child);
}

int main(int argc, char **argv)
{
    static struct server server;
    int events = 20000, runs = 51, cpu = -1, option;

    while ((option = getopt(argc, argv, "+n:r:c:")) != -1) {
        int value = option == '?' ? -1 : (int)strtol(optarg, NULL, 10);
        if (value < 0 || (option == 'r' && (value < 1 || value > RUNS_MAX)))
            return 2;
        if (option == 'n')
            events = value;
        else if (option == 'r')
            runs = value;
        else
            cpu = value;
    }

    if (optind == argc)
        return 2;
    if (access(argv[optind], X_OK) != 0)
        die(argv[optind]);
    if (cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((unsigned)cpu, &set);
        if (sched_setaffinity(0, sizeof set, &set) != 0)
            die("sched_setaffinity");
    }

    open_network();
    open_server(&server);
    if (events == 0)
        measure_starts(&server, argv + optind, runs);
    else
        measure_events(&server, argv + optind, events);
    return 0;
}
