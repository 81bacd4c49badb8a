#include "failure.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "report.h"

void die_of_damage(void)
{
	die_from_signal(EX_SOFTWARE, "thimble: the program in this executable is damaged or incomplete; "
			"get the image again\n");
}

void die_of_error(const char *call, int error)
{
	const char *reason = strerror(error);

	switch (error) {
	case EBADMSG:
		die_of_damage();
	case EPERM:
	case EACCES:
		die(EX_OSERR, "this host forbids running a program from memory (%s: %s); "
		    "use the `standard` image", call, reason);
	case ENOMEM:
		die(EX_OSERR, "not enough memory to unpack the program (%s: %s); "
		    "give it more or use the `standard` image", call, reason);
	default:
		die(EX_OSERR, "cannot start the program (%s: %s)", call, reason);
	}
}
