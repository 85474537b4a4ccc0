import { z } from 'zod';
import { hasDotSegments } from '../route/path-reading.ts';
import { redirectProblem } from '../route/rewrite.ts';
import { hostPattern } from './patterns.ts';
import { Refusal } from './scalar.ts';
import { text } from './scalars.ts';

/** What stands between a URL's parts, or in a line of a head, is not for a path to have. */
function pathProblem(written: string): Refusal | undefined {
  if (!written.startsWith('/')) return new Refusal('it does not start with "/"');
  if (/[?#]/.test(written)) return new Refusal('a path ends before "?"; the query of the request goes along as it is');
  if (/[^\x21-\x7e]/.test(written)) return new Refusal('spaces and letters outside ASCII are percent-encoded');
  if (/%(?![0-9A-Fa-f]{2})/.test(written)) return new Refusal('a percent sign is written %25');
  if (hasDotSegments(written)) return new Refusal('it has "." or ".." as a segment');
  return captureProblem(written);
}

function captureProblem(written: string): Refusal | undefined {
  return /(?<!\$)(?:\$\$)*\$0/.test(written) ? new Refusal('captures are $1 to $9; a dollar sign is $$') : undefined;
}

/** Where a redirect leads. It goes into a response head, so nothing that could end a line or a field gets through. */
export const location = text({
  title: 'URL or path',
  expected: 'a path such as /new/ or a URL such as https://example.com/',
  check(written) {
    if (/[^\x21-\x7e]/.test(written)) return new Refusal('spaces and letters outside ASCII are percent-encoded');
    if (!/^(?:\/|https?:\/\/[^/])/i.test(written)) return new Refusal();
    const problem = redirectProblem(written);
    return problem === undefined ? captureProblem(written) : new Refusal(problem);
  },
});

const host = hostPattern();

const rewriteHost = text({
  title: 'host',
  expected: '"backend", or a host such as api.internal or api.internal:8080',
  check(written) {
    const { success } = host.safeParse(written.replace(/:\d{1,5}$/, ''));
    return success && !written.startsWith('*') ? undefined : new Refusal();
  },
});

/** How a route changes what its requests ask for. */
export const rewriteSchema = z
  .strictObject({
    stripPrefix: text({
      title: 'path',
      expected: 'a path such as /v1, not "/" alone',
      check: (written) => pathProblem(written) ?? (/^\/+$/.test(written) ? new Refusal() : undefined),
    })
      .exactOptional()
      .describe('Whole segments that are taken off at the start of the path; other paths stay as they are.'),
    path: text({ title: 'path', expected: 'a path such as /items/$1', check: pathProblem })
      .exactOptional()
      .describe('The new path. `$1` to `$9` are what a regular expression of the path captured.'),
    host: rewriteHost
      .exactOptional()
      .describe('The Host that the backend sees: `backend` for its own address as configured, or a name.'),
  })
  .describe('Changes to the path and the host of a request. Without it the request target is not touched.');
