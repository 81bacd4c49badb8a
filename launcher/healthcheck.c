#define _GNU_SOURCE
#include "healthcheck.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

#define DEFAULT_HOST "::"
#define DEFAULT_PORT "5000"
#define MAX_PORT 65535

/* For the whole check. Shorter than orchestrators wait, so that the reason is reported. */
enum { BUDGET_MS = 3000 };

/* The line's start decides. The rest is read too, so that the server can send its whole answer. */
enum { STATUS_LINE_START = sizeof "HTTP/1.1 200 " - 1, LINE_SIZE = 1024 };

struct server {
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} address;
	socklen_t address_size;
	char name[INET6_ADDRSTRLEN + sizeof "[]:65535"]; /* as in a URL */
};

/* An empty variable counts as unset. */
static const char *setting(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : fallback;
}

/* What Kubernetes sets for a Service of that name, such as "tcp://10.0.0.1:9090". */
static bool is_service_link(const char *value)
{
	static const char *const schemes[] = { "tcp://", "udp://", "sctp://" };

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t length = strlen(schemes[i]);
		const char *colon = strrchr(value, ':');

		if (strncmp(value, schemes[i], length) == 0 && colon > value + length)
			return colon[1] != '\0' && colon[1 + strspn(colon + 1, "0123456789")] == '\0';
	}
	return false;
}

/* A service link counts as unset, as it does for the program. */
static const char *port_setting(const char *name, const char *fallback)
{
	const char *value = setting(name, NULL);

	return value != NULL && !is_service_link(value) ? value : fallback;
}

/* 0 if the text is not a port to connect to. */
static uint16_t parse_port(const char *text)
{
	long port = 0;

	for (; isdigit((unsigned char)*text) && port <= MAX_PORT; text++)
		port = port * 10 + (*text - '0');
	return *text == '\0' && port <= MAX_PORT ? (uint16_t)port : 0;
}

/*
 * Where a server listening on `host` is reached from here; false if `host` is a name. One that listens on all
 * addresses has those of IPv4 in any case, and those of IPv6 only where the system has any.
 */
static bool locate_server(struct server *server, const char *host, uint16_t port)
{
	struct sockaddr_in *ipv4 = &server->address.ipv4;
	struct sockaddr_in6 *ipv6 = &server->address.ipv6;
	char text[INET6_ADDRSTRLEN];

	memset(server, 0, sizeof *server);
	if (inet_pton(AF_INET, host, &ipv4->sin_addr) == 1) {
		if (ipv4->sin_addr.s_addr == htonl(INADDR_ANY))
			ipv4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons(port);
		server->address_size = sizeof *ipv4;
		inet_ntop(AF_INET, &ipv4->sin_addr, text, sizeof text);
		snprintf(server->name, sizeof server->name, "%s:%u", text, port);
		return true;
	}
	if (inet_pton(AF_INET6, host, &ipv6->sin6_addr) == 1) {
		if (IN6_IS_ADDR_UNSPECIFIED(&ipv6->sin6_addr))
			return locate_server(server, "127.0.0.1", port);
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons(port);
		server->address_size = sizeof *ipv6;
		inet_ntop(AF_INET6, &ipv6->sin6_addr, text, sizeof text);
		snprintf(server->name, sizeof server->name, "[%s]:%u", text, port);
		return true;
	}
	return false;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* False, with ETIMEDOUT, once the deadline has passed. */
static bool wait_for(int connection, short events, int64_t deadline)
{
	struct pollfd poll_entry = { .fd = connection, .events = events };

	for (;;) {
		int64_t left = deadline - now_ms();
		int ready = left > 0 ? poll(&poll_entry, 1, (int)left) : 0;

		if (ready > 0)
			return true;
		if (ready == 0)
			errno = ETIMEDOUT;
		if (errno != EINTR)
			return false;
	}
}

/* A connected socket, or -1 and errno. */
static int connect_to(const struct server *server, int64_t deadline)
{
	int connection = socket(server->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	socklen_t error_size = sizeof error;

	if (connection < 0)
		return -1;
	if (connect(connection, &server->address.any, server->address_size) == 0)
		return connection;
	if (errno != EINPROGRESS || !wait_for(connection, POLLOUT, deadline))
		return -1;
	getsockopt(connection, SOL_SOCKET, SO_ERROR, &error, &error_size);
	errno = error;
	return error == 0 ? connection : -1;
}

/* The request fits the buffer of a new connection, so it is sent completely or not at all. */
static bool send_request(int connection, const struct server *server)
{
	char request[256];
	int size = snprintf(request, sizeof request,
		"GET /ready HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", server->name);

	return send(connection, request, (size_t)size, MSG_NOSIGNAL) == size;
}

/*
 * A status line, or the part of it that arrives before the server closes; false and errno on
 * failure.
 */
static bool receive_status_line(int connection, char line[LINE_SIZE], int64_t deadline)
{
	size_t filled = 0;

	while (filled < STATUS_LINE_START) {
		if (!wait_for(connection, POLLIN, deadline))
			return false;
		ssize_t received = recv(connection, line + filled, LINE_SIZE - filled, 0);

		if (received < 0)
			return false;
		if (received == 0)
			break;
		filled += (size_t)received;
	}
	memset(line + filled, 0, LINE_SIZE - filled);
	return true;
}

/* The three digits of "HTTP/1.1 200 OK" (RFC 9112, section 4), or 0. */
static int parse_status(const char *line)
{
	const char *version = "HTTP/1.";
	const char *digits = line + sizeof "HTTP/1.1";

	if (strncmp(line, version, strlen(version)) != 0 || digits[-1] != ' ')
		return 0;
	for (int i = 0; i < 3; i++)
		if (!isdigit((unsigned char)digits[i]))
			return 0;
	return digits[3] == ' ' || digits[3] == '\r' ? atoi(digits) : 0;
}

/* The status of the server's answer, 0 for something that is not HTTP, or -1 and errno. */
static int request_status(const struct server *server)
{
	char line[LINE_SIZE];
	int64_t deadline = now_ms() + BUDGET_MS;
	int connection = connect_to(server, deadline);

	if (connection < 0 || !send_request(connection, server) ||
	    !receive_status_line(connection, line, deadline))
		return -1;
	return parse_status(line);
}

static enum health ask(const struct server *server)
{
	int status = request_status(server);

	if (status == 200) {
		puts("ready");
		return HEALTH_READY;
	}
	if (status > 0)
		report("not ready: HTTP %d", status);
	else if (status == 0)
		report("no HTTP answer on %s", server->name);
	else
		report("no answer on %s: %s", server->name, strerror(errno));
	return HEALTH_NOT_READY;
}

enum health check_health(void)
{
	struct server server;
	const char *metrics_port = port_setting("METRICS_PORT", NULL);
	const char *variable = metrics_port != NULL ? "METRICS_PORT" : "PORT";
	uint16_t port = parse_port(metrics_port != NULL ? metrics_port : port_setting("PORT", DEFAULT_PORT));
	/* The port of metrics and health is for an inner network, and speaks plain HTTP. */
	bool is_https = metrics_port == NULL && setting("TLS_CERT_FILE", NULL) != NULL;

	if (is_https || !locate_server(&server, setting("HOST", DEFAULT_HOST), port))
		return HEALTH_LEFT_TO_PROGRAM;
	if (port == 0) {
		report("%s must be a whole number from 1 to %d", variable, MAX_PORT);
		return HEALTH_NOT_READY;
	}
	return ask(&server);
}
