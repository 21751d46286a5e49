/* relay-test-program: wzp-relay as a process, as its users start it. */
#pragma once

#include "relay-test-node.h"

#include <gio/gio.h>

typedef struct {
  GSubprocess *process;      /* owned */
  GDataInputStream *output;  /* owned */
  GDataInputStream *errors;  /* owned */
  char *address;             /* owned: after test_program_wait_ready() */
  char *fingerprint;         /* owned: the same */
  char *metrics;             /* owned, nullable: the same: the URL */
  char *second_port;         /* owned, nullable: the same */
} TestProgram;

/* @options: words with a blank between. No configuration file of the machine's
 * is read: with neither --config nor a command at the beginning --no-config is
 * added. */
TestProgram *test_program_new (const char *options);
/* In @launcher (borrowed), by a shell: @prefix stands before the program, as
 * "FOO=1 exec"; nullable. */
TestProgram *test_program_new_in (
    GSubprocessLauncher *launcher, const char *prefix, const char *options);
/* Waits for the end, and frees. Returns the exit status, -1: by a signal. */
int test_program_finish (TestProgram *self);

/* NULL: the end. */
char *test_program_read_line (TestProgram *self);
/* The rest of a line, which has to begin with @prefix. */
char *test_program_expect_line (TestProgram *self, const char *prefix);
/* All up to "ready". */
void test_program_wait_ready (TestProgram *self);
/* Passes over lines of the log until one has @text in it (transfer full). */
char *test_program_expect_log (TestProgram *self, const char *text);
/* What is left on standard error, until its end. */
char *test_program_read_errors (TestProgram *self);
void test_program_signal (TestProgram *self, int number);

/* A client of it, registered. */
TestNode *test_program_add_node (
    TestProgram *self, WzpTest *test, guint index, const char *alias);
