/*
 * To be imported before anything else. Drivers that find DEBUG in the environment print what they send, passwords and
 * tokens included, to stderr; the service has a log of its own.
 */
delete process.env['DEBUG'];
