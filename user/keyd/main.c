// SPDX-License-Identifier: GPL-2.0
#include "daemon.h"
#include "keyd.h"

int main(int argc, char **argv)
{
	return daemon_main(argc, argv, &keyd_ops);
}
