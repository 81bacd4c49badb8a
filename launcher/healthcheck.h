#ifndef HEALTHCHECK_H
#define HEALTHCHECK_H

/*
 * Asks the server of this container whether it is ready (GET /ready at $PORT of $HOST), and reports
 * the answer. If $HOST is a name or the server speaks TLS, the program's own `healthcheck` must ask
 * instead.
 */
enum health { HEALTH_READY, HEALTH_NOT_READY, HEALTH_LEFT_TO_PROGRAM };

enum health check_health(void);

#endif
