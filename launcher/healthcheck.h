#ifndef HEALTHCHECK_H
#define HEALTHCHECK_H

/*
 * Asks the server of this container whether it is ready (GET /ready at $PORT of $HOST), and
 * reports the answer. The question is left to the program, whose own `healthcheck` knows more,
 * where $HOST is to be resolved or the server speaks TLS.
 */
enum health { HEALTH_READY, HEALTH_NOT_READY, HEALTH_LEFT_TO_PROGRAM };

enum health check_health(void);

#endif
