const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  ENOTFOUND: 'the host is not known',
  EAI_AGAIN: 'the host is not known',
  ETIMEDOUT: 'it does not answer',
  ABORT_ERR: 'it does not answer',
};

/** Why there is no connection, for people: from the error of a failed connect, or of a request. */
export function whyUnreachable(error: NodeJS.ErrnoException): string {
  // Of a name with several addresses, one reason of several.
  const { code = '', message } = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException) : error;
  return reasons[code] ?? message;
}
